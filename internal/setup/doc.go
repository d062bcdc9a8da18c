// Package setup reads the file of `idp apply` and makes the database say the same: platforms, parties and, for tests
// and demonstrations, accounts.
//
// A file is read and checked whole before anything is written, and what is written is one transaction; so a broken file
// changes nothing, and its error names the line. The format is a promise to outsiders: keys are only ever added.
//
// What the database has is written as a declaration again (declare.go), and what the file says is merged into it key by
// key (merge.go); so what a file does not mention stays as it is, and applying a file again changes nothing. The two
// declarations are compared (difference.go): that is what a dry run shows. What protects less than before (weaker.go)
// is refused unless it is meant, and then on record.
//
// A party is a relying party (OAuth client).
package setup
