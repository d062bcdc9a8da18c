package admin

import "strings"

// csvCell is a value as a cell of a CSV has it: text, also where a spreadsheet would take it for a formula and do what
// it says (OWASP, CSV Injection). Whatever begins like one gets an apostrophe, which spreadsheets do not show.
func csvCell(value string) string {
	if value != "" && strings.ContainsRune("=+-@\t\r", rune(value[0])) {
		return "'" + value
	}
	return value
}
