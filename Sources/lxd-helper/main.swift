import Glibc

// One thread, no tasks: that is what lets this program enter namespaces and fork. Everything else is in Helper.
switch CommandLine.arguments.first?.split(separator: "/").last.map(String.init) {
case Criu.hookName: exit(Criu.runHook())
default: exit(Helper.main(CommandLine.arguments))
}
