// Package setup reads the file of `idp apply` and makes the database say the same: platforms, parties and, for tests
// and demonstrations, accounts.
//
// A file is read and checked whole before anything is written, and what is written is one transaction; so a broken file
// changes nothing, and its error names the line. Applying a file again changes nothing (plan.go compares first). The
// format is a promise to outsiders: keys are only ever added. What a file does not mention stays as it is.
package setup
