import FoundationEssentials
import LXDAPI
import LXDClient

struct Completion: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print the completion script of a shell", usage: "bash|zsh|fish",
        shouldDisplay: false)
    static let argumentCount = 1...1
    static let examples = """
        source <(lxc completion bash)
            Complete commands, flags and names in this shell.

        lxc completion fish > ~/.config/fish/completions/lxc.fish
            Do so in every fish.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        guard let script = CompletionScript.of(shell: arguments[0]) else {
            throw CommandFailure("There is no completion for \(arguments[0].goQuoted): one of bash, zsh or fish")
        }
        Standard.output(script)
    }
}

/// What a shell must run to complete our command lines: each asks this program for the words that fit.
enum CompletionScript {
    static func of(shell: String) -> String? {
        switch shell {
        case "bash":
            """
            # Completion of lxc for bash.
            _lxc() {
                local IFS=$'\\n' line="${COMP_LINE:0:$COMP_POINT}" word
                COMPREPLY=()
                # Bash breaks words at colons; the remotes of LXD have one.
                word="${line##*[[:space:]]}"
                local words=()
                IFS=$' \\t' read -r -a words <<< "$line"
                [[ "$line" == *[[:space:]] ]] && words+=("")
                while IFS= read -r candidate; do
                    COMPREPLY+=("$candidate")
                done < <(LXC_ALIASES=1 "${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null | cut -f 1)
                if [[ "$word" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
                    local prefix="${word%"${word##*:}"}" index
                    for index in "${!COMPREPLY[@]}"; do COMPREPLY[index]="${COMPREPLY[index]#"$prefix"}"; done
                fi
                if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[:/=] ]]; then compopt -o nospace; fi
                if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o default; fi
            }
            complete -F _lxc lxc

            """
        case "zsh":
            """
            #compdef lxc
            # Completion of lxc for zsh.
            _lxc() {
                local -a candidates plain
                local line
                while IFS= read -r line; do
                    candidates+=("${line//:/\\\\:}")
                done < <(LXC_ALIASES=1 "${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null | tr '\\t' '\\001')
                candidates=("${candidates[@]/$'\\001'/:}")
                if (( ${#candidates} )); then
                    _describe 'lxc' candidates
                else
                    _files
                fi
            }
            if [ "$funcstack[1]" = "_lxc" ]; then _lxc "$@"; else compdef _lxc lxc; fi

            """
        case "fish":
            """
            # Completion of lxc for fish.
            function __lxc_complete
                set -l words (commandline -opc) (commandline -ct)
                LXC_ALIASES=1 $words[1] __complete -- $words[2..-1] 2>/dev/null
            end
            # Fish brings words for another generation of lxc.
            complete -c lxc -e
            complete -c lxc -f -a '(__lxc_complete)'

            """
        default: nil
        }
    }
}

/// What shells ask for: one candidate a line, a tab, what it is.
struct CompletionQuery: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "__complete", abstract: "Print what may come next on a command line", usage: "<words>...",
        shouldDisplay: false)
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc __complete -- start ""
            Print the instances that could be started.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let request = CompletionRequest(arguments, root: LXC.self)
        var candidates = request.fixed
        if let kind = request.kind { candidates += await CompletionNames(session: session).names(kind, request.word) }
        for candidate in candidates where candidate.text.hasPrefix(request.word) {
            Standard.output(candidate.text + (candidate.note.isEmpty ? "" : "\t\(candidate.note)") + "\n")
        }
    }
}
