// Package admin is the pages of staff: those on which a helpdesk employee or an application manager of one organisation
// finds a person, sees why she cannot get in, and helps.
//
// Every page is a row of pages (admin.go) and names the right that it takes (staff.Act): who lacks it gets the page of
// an address that does not exist. The engine of login lets people in, by two purposes of its table of rules: one for
// the pages (a password and a code, after a pause again) and one for acts (both fresh). What somebody does is an act of
// package staff, which reads the role once more; no page writes anything by itself.
//
// Templates and texts of these pages are here (templates, texts); they look as docs/looks.md says, but wider.
package admin
