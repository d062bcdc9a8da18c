package sheet

import (
	"encoding/csv"
	"io"
	"regexp"
	"strings"
)

// formula are the characters that a spreadsheet reads a formula from when a cell begins with one of them, after blanks
// too (OWASP, "CSV Injection").
const formula = "=+-@\t\r\n＝＋－＠"

// Formula reports whether a spreadsheet could read a formula in a cell.
func Formula(cell string) bool {
	return strings.IndexAny(strings.TrimLeft(cell, " \u00a0"), formula) == 0
}

// inside is where a cell would go on as another one, with a formula, in a spreadsheet that takes another separator than
// the file has: a Dutch one opens a file of commas at its semicolons, and a user agent may have those.
var inside = regexp.MustCompile("([;,\t\r\n][ \u00a0\"]*)([=+@＝＋－＠-])")

// Cell is a text that a spreadsheet shows as it is: what it could take for a formula gets an apostrophe before it, which
// spreadsheets read as "this is text", also behind what is a separator in other spreadsheets.
func Cell(text string) string {
	rest := strings.TrimLeft(text, " \u00a0"+formula)
	begin := text[:len(text)-len(rest)]
	if Formula(text) {
		begin = "'" + begin
	}
	return begin + inside.ReplaceAllString(rest, "$1'$2")
}

// marked is a mark of Cell inside a text.
var marked = regexp.MustCompile("([;,\t\r\n][ \u00a0\"]*)'([=+@＝＋－＠-])")

// Text is the text of a cell that Cell made. Of one that somebody else wrote it is the text without such marks, so a text
// that has them itself does not come back.
func Text(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && Formula(rest) {
		cell = rest
	}
	return marked.ReplaceAllString(cell, "$1$2")
}

// Write writes rows as UTF-8 with a mark, because spreadsheets take it for another encoding otherwise, each cell as Cell
// makes it. The separator is a semicolon, which a Dutch spreadsheet expects.
func Write(w io.Writer, rows ...[]string) error {
	if _, err := io.WriteString(w, markUTF8); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, text := range row {
			cells[i] = Cell(text)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
