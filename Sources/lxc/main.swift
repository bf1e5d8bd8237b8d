import Glibc
import LXCCommands

exit(await Program.run(Array(CommandLine.arguments.dropFirst())))
