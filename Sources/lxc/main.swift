import Glibc
import LXCCommands

// The pieces of an answer are made by one thread and read by another: with one heap for all, a long list takes a sixth less.
_ = mallopt(-8 /* M_ARENA_MAX */, 1)
exit(await Program.run(Array(CommandLine.arguments.dropFirst())))
