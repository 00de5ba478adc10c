// Package shell runs the commands of scripts.
//
// A command is read by a shell interpreter in the process. The programs that
// scripts use to set the stage (sysctl, ip, tc, ethtool, nstat, the suites'
// set_sysctls.py, and grep, cat, sleep and the like around them) are built in
// and act on an engine.Host, so that they work on every target, need nothing
// installed and fork nothing. Shell scripts are interpreted the same way. What
// isn't built in runs as the real program if the host is an engine.Executor.
//
// The syntax is bash's wherever it runs: where packetdrill's /bin/sh is dash,
// "x &> /dev/null || y" means something else, namely x in the background and
// success, and a script written with bash in mind may fail there.
//
// Built-in programs know the forms that scripts use. Given an option they
// don't know, they leave the call to the real program.
package shell
