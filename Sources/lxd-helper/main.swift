import Glibc

// One thread, no tasks: that is what lets this program enter namespaces and fork. Everything else is in Helper.
exit(Helper.main(CommandLine.arguments))
