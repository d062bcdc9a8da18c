package admin

import "github.com/minddistrict/idp/internal/sheet"

// csvCell is a value as a cell of a CSV has it: text, also where a spreadsheet would take it for a formula.
func csvCell(value string) string { return sheet.Cell(value) }
