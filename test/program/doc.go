// Package program builds `idp` and runs it, and other programs, as an operator does: arguments, variables, files and
// signals go in; output, exit codes and addresses come out.
//
// Main builds the program once for the tests of a package. An Install is one installation of it: a folder, a database,
// a master key and the variables of its commands, into which nothing of ours leaks. Start starts any program that goes
// on, and sees to it that it ends with the test. Whatever goes wrong fails the test, with what the program wrote.
package program
