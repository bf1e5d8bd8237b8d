import Foundation
import LXDAPI
import LXDImages
import LXDLinux
import Testing

struct TemplateTests {
    private func render(_ template: String, config: [String: String] = [:]) throws -> String {
        try TemplateRenderer.render(
            template,
            TemplateContext(
                trigger: "create", path: "/etc/hostname",
                instance: ["name": "c1", "type": "container", "architecture": "x86_64", "privileged": "false", "ephemeral": "false"],
                config: config, devices: ["eth0": ["type": "nic", "parent": "lxdbr0"]], properties: ["default": "fallback"]))
    }

    @Test(arguments: [
        ("{{ container.name }}", "c1"), ("{{ instance.name }}\n", "c1\n"), ("{{ trigger }} {{ path }}", "create /etc/hostname"),
        ("{{ instance[\"architecture\"] }}", "x86_64"), ("{{ devices.eth0.parent }}", "lxdbr0"),
        ("{{ config_get(\"user.a\", properties.default) }}", "fallback"), ("{{ config_get(\"user.set\", \"x\") }}", "value"),
        ("{% if config_get(\"user.a\", \"\") == \"\" %}none{% else %}some{% endif %}", "none"),
        ("{% if config_get('user.set', '') == 'value' and not missing %}yes{% endif %}", "yes"),
        ("{% for key, value in config %}{{ key }}={{ value }};{% endfor %}", "user.b=2;user.set=value;"),
        ("{% for key in config reversed %}{{ forloop.Counter }}{{ key }} {% endfor %}", "1user.set 2user.b "),
        ("{% if trigger == \"copy\" %}a{% elif trigger == \"create\" %}b{% else %}c{% endif %}", "b"),
        ("{% ifequal trigger \"create\" %}same{% endifequal %}", "same"),
        ("{{ missing|default:\"d\"|upper }}", "D"), ("{{ missing }}", ""), ("{# a comment #}x", "x"),
        ("{% set n = 2 %}{{ n + 1 }} {{ n / 4 }}", "3 0.500000"), ("{{ \"a\" in \"abc\" }}", "True"),
        ("a {%- if true %} b {% endif -%} c", "a b c"), ("{% autoescape off %}<b>{% endautoescape %}", "<b>"),
        ("{% comment %}{{ x }}{% endcomment %}y", "y"), ("{{ config[\"user.set\"]|length }}", "6"),
        ("{% with a=1 %}{{ a }}{% endwith %}{{ a }}", "1"), ("{% verbatim %}{{ x }}{% endverbatim %}", "{{ x }}"),
        ("{{ config.missing.deeper }}-", "-"), ("<{{ \"<&>\" }}>", "<<&>>"),
    ])
    func rendersWhatImagesUse(_ template: String, _ expected: String) throws {
        #expect(try render(template, config: ["user.set": "value\n", "user.b": "2"]).replacingOccurrences(of: "value\n;", with: "value;") == expected)
    }

    @Test(arguments: [
        "{% include \"/etc/passwd\" %}", "{% ssi \"/etc/passwd\" %}", "{% extends \"/etc/passwd\" %}", "{% import \"/etc/passwd\" x %}",
        "{% block a %}{% endblock %}", "{% load x %}", "{% now \"2006\" %}", "{% exec \"id\" %}", "{% lorem %}", "{% templatetag x %}",
        "{{ container.name() }}", "{{ trigger(1, 2) }}", "{{ x|file }}", "{{ x|env:\"HOME\" }}", "{{ x|ssi }}",
    ])
    func noTagFilterOrCallReachesAnythingElse(_ template: String) {
        #expect(throws: TemplateError.self) { try render(template) }
    }

    @Test(arguments: ["{{ env.HOME }}", "{{ __file__ }}", "{{ self }}", "{{ config_get }}", "{{ os.environ }}"])
    func unknownNamesAreEmpty(_ template: String) throws {
        #expect(try render(template) == "")
    }

    @Test(.timeLimit(.minutes(1)), arguments: [
        String(repeating: "{% for a in config %}", count: 20) + "x" + String(repeating: "{% endfor %}", count: 20),
        "{% set x = \"xxxxxxxxxxxxxxxx\" %}" + String(repeating: "{% set x = x + x + x + x %}", count: 30) + "{{ x }}",
        String(repeating: "{% if a %}", count: 5000), "{{ " + String(repeating: "(", count: 100_000) + " }}",
        "{{ " + String(repeating: "not ", count: 100_000) + "a }}", "{{ a", "{% if a %}", "{% for %}", "{{ a b }}", "{{ \"a }}",
        "{% if config_get(\"a\") %}{% endif %}", "{{ 1 / 0 }}", "{{ 1 % 0 }}",
    ])
    func bombsAndMistakesAreErrors(_ template: String) {
        let config = Dictionary(uniqueKeysWithValues: (0..<10).map { ("user.\($0)", "x") })
        let start = ContinuousClock.now
        #expect(throws: TemplateError.self) { try render(template, config: config) }
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test(arguments: [
        "{{ x|slice:\"-9223372036854775808:9223372036854775807\" }}", "{{ \"a\"|ljust:99999999999999999999 }}",
        "{{ config[-1] }}", "{{ \"abc\"[99999999999999999999] }}", "{{ -9999999999999999999999|integer }}", "{{ \"é\"|slice:\"0:1\" }}",
        "{{ 99999999999999999999 * 99999999999999999999 }}", "{{ \"x\"|truncatechars:0 }}", "{{ 5|divisibleby:0 }}",
    ])
    func extremeNumbersAreNoTrap(_ template: String) throws {
        _ = try render(template)
    }

    @Test func templatesComeFromRegularFilesOnly() async throws {
        try await ImageFixture.with { fixture in
            let directory = try ConfinedDirectory(path: fixture.folder + "/beside", resolution: .beneath)
            let context = TemplateContext(trigger: "", path: "", instance: ["name": "c1"], config: [:], devices: [:], properties: [:])
            func metadata(_ template: String) -> [UInt8] {
                Array("architecture: x86_64\ntemplates:\n  /etc/x:\n    when: [start]\n    template: \"\(template)\"\n    create_only: true\n".utf8)
            }
            try directory.makeDirectory("templates")
            try directory.write(Array("{{ container.name }} {{ trigger }} {{ path }}".utf8), to: "templates/x.tpl")
            try directory.write(metadata("x.tpl"), to: "metadata.yaml")
            let files = try TemplateFiles.render("start", in: directory, context)
            #expect(files == [RenderedFile(path: "/etc/x", contents: Array("c1 start /etc/x".utf8), onlyIfMissing: true)])
            #expect(try TemplateFiles.render("create", in: directory, context).isEmpty)

            try directory.makeSymbolicLink("templates/link.tpl", target: "../../canary")
            for name in ["link.tpl", "../metadata.yaml", "/etc/passwd", "missing.tpl", "", ".."] {
                try directory.write(metadata(name), to: "metadata.yaml")
                #expect(throws: LXDError.self, "\(name)") { try TemplateFiles.render("start", in: directory, context) }
            }
            try directory.removeTree("templates")
            try directory.makeSymbolicLink("templates", target: "..")
            try directory.write(metadata("canary"), to: "metadata.yaml")
            #expect(throws: LXDError.self) { try TemplateFiles.render("start", in: directory, context) }
            try directory.removeFile("metadata.yaml")
            try directory.makeSymbolicLink("metadata.yaml", target: "../canary")
            #expect(throws: (any Error).self) { try TemplateFiles.render("start", in: directory, context) }
        }
    }
}
