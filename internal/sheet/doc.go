// Package sheet reads and writes tables of text as spreadsheets make them: comma-separated values (RFC 4180), in
// whichever of three separators and encodings they come.
//
// Read takes a file that somebody chose, which may be anything. What is no table is an error with a name; a row that is
// broken is marked and costs no other. Write makes files that a spreadsheet opens without running what is in a cell. The
// package knows nothing of what the columns mean.
package sheet
