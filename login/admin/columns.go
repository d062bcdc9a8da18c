package admin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/sheet"
	"github.com/minddistrict/idp/staff"
)

// What is wrong with the columns of a file. Both are fault.Invalid.
var (
	errNoAddresses = fmt.Errorf("%w: no column of e-mail addresses", fault.Invalid)
	errTwoColumns  = fmt.Errorf("%w: two columns of the same", fault.Invalid)
)

// columns are what the header of a file may call each, without blanks, hyphens and capitals.
var columns = map[string]func(*staff.Newcomer) *string{}

func init() {
	for _, column := range []struct {
		words string
		field func(*staff.Newcomer) *string
	}{
		{"voornaam roepnaam givenname firstname", func(n *staff.Newcomer) *string { return &n.Given }},
		{"tussenvoegsel tussenvoegsels voorvoegsel middlename infix", func(n *staff.Newcomer) *string { return &n.Middle }},
		{"achternaam familienaam familyname lastname surname", func(n *staff.Newcomer) *string { return &n.Family }},
		{"emailadres email mailadres mail emailaddress", func(n *staff.Newcomer) *string { return &n.Address }},
		{"rol role", func(n *staff.Newcomer) *string { return &n.Role }},
		{"taal language", func(n *staff.Newcomer) *string { return &n.Locale }},
	} {
		for word := range strings.FieldsSeq(column.words) {
			columns[word] = column.field
		}
	}
}

// roleWords are what a file may call a role, beside what it is called here.
var roleWords = map[string]string{
	"cliënt": "client", "clïent": "client", "naaste": "relative", "hulpverlener": "professional", "behandelaar": "professional",
	"applicatiebeheerder": "manager", "beheerder": "manager", "applicationmanager": "manager",
}

// languageWords are what a file may call a language, beside its code.
var languageWords = map[string]string{"nederlands": "nl", "dutch": "nl", "nlnl": "nl", "engels": "en", "english": "en", "engb": "en", "enus": "en"}

// word is a word of a file as the tables above have it.
func word(text string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_./\u00a0\u2010\u2011", r) {
			return -1
		}
		return r
	}, text))
}

func knownColumn(text string) bool { return columns[word(text)] != nil || isAddress(word(text)) }

// isAddress reports whether a word names e-mail addresses: what is called "address" are e-mail addresses where no other
// column has them; else people live there.
func isAddress(word string) bool { return word == "adres" || word == "address" }

// readPeople reads a file of people to invite; of what is wrong with a row it notes what shows before anybody looks at
// what it says. Errors are those of sheet.Read, errNoAddresses and errTwoColumns.
func readPeople(file []byte) (staff.Checked, error) {
	table, err := sheet.Read(file, knownColumn, staff.MostRows)
	if err != nil {
		return staff.Checked{}, err
	}
	c := staff.Checked{Encoding: string(table.Encoding)}
	fields, err := fieldsOf(table.Header, &c)
	if err != nil {
		return staff.Checked{}, err
	}
	for _, row := range table.Rows {
		c.Rows = append(c.Rows, readPerson(row, fields))
	}
	if len(c.Rows) == 0 {
		return staff.Checked{}, sheet.ErrEmpty
	}
	return c, nil
}

// fieldsOf is what each column means; nil: nothing here, which is noted.
func fieldsOf(header []string, c *staff.Checked) ([]func(*staff.Newcomer) *string, error) {
	var marks staff.Newcomer // a field is marked by the first column that means it
	fields := make([]func(*staff.Newcomer) *string, len(header))
	for i, text := range header {
		if fields[i] = columns[word(text)]; fields[i] == nil {
			continue
		}
		mark := fields[i](&marks)
		if *mark != "" {
			return nil, errTwoColumns
		}
		*mark = text
	}
	for i, text := range header {
		if marks.Address == "" && isAddress(word(text)) {
			fields[i], marks.Address = columns["email"], text
		}
		if fields[i] == nil && text != "" && len(c.Unused) < mostUnused {
			c.Unused = append(c.Unused, short(text))
		}
	}
	if marks.Address == "" {
		return nil, errNoAddresses
	}
	return fields, nil
}

const (
	mostUnused  = 20  // columns that are named as unused
	longestCell = 300 // bytes of a cell that are kept: more than any name or address that is taken
)

func readPerson(row sheet.Row, fields []func(*staff.Newcomer) *string) staff.Row {
	r := staff.Row{Line: row.Line}
	if row.Broken {
		r.Unread = staff.Flaws{staff.BrokenRow}
		return r
	}
	for i, cell := range row.Cells {
		switch {
		case i >= len(fields):
			if cell != "" {
				r.Unread = staff.Flaws{staff.MoreCells}
			}
		case fields[i] != nil:
			*fields[i](&r.Newcomer) = short(cell)
		}
	}
	if role, ok := roleWords[word(r.Role)]; ok {
		r.Role = role
	} else {
		r.Role = word(r.Role)
	}
	if locale, ok := languageWords[word(r.Locale)]; ok {
		r.Locale = locale
	} else {
		r.Locale = word(r.Locale)
	}
	return r
}

// short cuts what is longer than anything that is taken, and stays too long.
func short(cell string) string {
	if len(cell) <= longestCell {
		return cell
	}
	return strings.ToValidUTF8(cell[:longestCell], "") + "…"
}

// fileKey is the text of what is wrong with a whole file.
func fileKey(err error) string {
	for _, row := range []struct {
		err error
		key string
	}{
		{sheet.ErrEmpty, "staff.file_empty"}, {sheet.ErrWorkbook, "staff.file_workbook"}, {sheet.ErrEncoding, "staff.file_encoding"},
		{sheet.ErrTooMany, "staff.file_too_many"}, {errNoAddresses, "staff.file_no_addresses"}, {errTwoColumns, "staff.file_two_columns"},
	} {
		if errors.Is(err, row.err) {
			return row.key
		}
	}
	return ""
}
