package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/sheet"
)

func known(word string) bool {
	return slices.Contains([]string{"name", "address", "role"}, strings.ToLower(word))
}

func row(line int, cells ...string) sheet.Row { return sheet.Row{Line: line, Cells: cells} }

func utf16Of(t *testing.T, text string, order unicode.Endianness, mark unicode.BOMPolicy) string {
	t.Helper()
	b, err := unicode.UTF16(order, mark).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFilesOfSpreadsheets(t *testing.T) {
	want := []sheet.Row{row(2, "Zoë", "z@example.org", "")}
	const text = "Name;Address;Role\r\nZoë;z@example.org;\r\n"
	for name, file := range map[string]struct {
		text     string
		encoding sheet.Encoding
	}{
		"semicolons":            {text, sheet.UTF8},
		"commas":                {strings.ReplaceAll(text, ";", ","), sheet.UTF8},
		"tabs":                  {strings.ReplaceAll(text, ";", "\t"), sheet.UTF8},
		"a mark":                {"\xef\xbb\xbf" + text, sheet.UTF8},
		"newlines":              {strings.ReplaceAll(text, "\r\n", "\n"), sheet.UTF8},
		"carriage returns":      {strings.ReplaceAll(text, "\r\n", "\r"), sheet.UTF8},
		"no end of line":        {strings.TrimRight(text, "\r\n"), sheet.UTF8},
		"quotes":                {"\"Name\";\"Address\";\"Role\"\r\n\"Zoë\";\"z@example.org\";\"\"", sheet.UTF8},
		"blanks around":         {"Name ; Address;Role \n Zoë;z@example.org ;\u00a0\n", sheet.UTF8},
		"empty rows":            {text + ";;\r\n\r\n ; ;\r\n", sheet.UTF8},
		"Windows-1252":          {strings.ReplaceAll(text, "ë", "\xeb"), sheet.Windows1252},
		"UTF-16, little endian": {utf16Of(t, text, unicode.LittleEndian, unicode.UseBOM), sheet.UTF16},
		"UTF-16, big endian":    {utf16Of(t, text, unicode.BigEndian, unicode.UseBOM), sheet.UTF16},
	} {
		got, err := sheet.Read([]byte(file.text), known, 10)
		if err != nil || got.Encoding != file.encoding || !reflect.DeepEqual(got.Rows, want) || !slices.Equal(got.Header, []string{"Name", "Address", "Role"}) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	// The line that says the separator counts, and so does an empty one before the header.
	for _, file := range []string{"sep=,\nname,address\na;b,c\n", "\"sep=,\"\r\nname,address\na;b,c\n"} {
		got, err := sheet.Read([]byte(file), known, 10)
		if err != nil || !reflect.DeepEqual(got.Rows, []sheet.Row{row(3, "a;b", "c")}) {
			t.Errorf("%q: %v, %+v", file, err, got)
		}
	}
	got, err := sheet.Read([]byte("\n;\nname;address\na;b\n"), known, 10)
	if err != nil || !reflect.DeepEqual(got.Rows, []sheet.Row{row(4, "a", "b")}) {
		t.Errorf("empty rows first: %v, %+v", err, got)
	}
}

// A row that is broken costs no other, as long as it can be seen where it ends.
func TestRowsThatAreBroken(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []sheet.Row
	}{
		"ragged":                 {"a\nb;c;d;e\n", []sheet.Row{row(2, "a"), row(3, "b", "c", "d", "e")}},
		"a quote inside":         {"a;b\"c;d\ne;f;g\n", []sheet.Row{{Line: 2, Broken: true}, row(3, "e", "f", "g")}},
		"text after a quote":     {"\"a\"b;c;d\ne;f;g\n", []sheet.Row{{Line: 2, Broken: true}, row(3, "e", "f", "g")}},
		"a quote that stays":     {"a;b;c\n\"d;e;f\ng;h;i\n", []sheet.Row{row(2, "a", "b", "c"), {Line: 3, Broken: true}}},
		"two quotes":             {"\"a \"\"b\"\"\";c;d\n", []sheet.Row{row(2, `a "b"`, "c", "d")}},
		"two lines in one cell":  {"a;\"b\nc\";d\ne;f;g\n", []sheet.Row{row(2, "a", "b\nc", "d"), row(4, "e", "f", "g")}},
		"a zero byte":            {"a\x00;b;c\n", []sheet.Row{row(2, "a\x00", "b", "c")}},
		"a very long cell":       {strings.Repeat("x", 1<<20) + ";b;c\n", []sheet.Row{row(2, strings.Repeat("x", 1<<20), "b", "c")}},
		"only quotes":            {"\"\"\"\"\"\"\"\n", []sheet.Row{{Line: 2, Broken: true}}},
		"another separator here": {"a,b,c\n", []sheet.Row{row(2, "a,b,c")}},
	} {
		got, err := sheet.Read([]byte("name;address;role\n"+c.file), known, 10)
		if err != nil || !reflect.DeepEqual(got.Rows, c.want) {
			t.Errorf("%s: %v, %.200v", name, err, got.Rows)
		}
	}
}

func TestWhatIsNoTable(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"nothing":              {"", sheet.ErrEmpty},
		"blanks":               {" \n\n", sheet.ErrEmpty},
		"only a mark":          {"\xef\xbb\xbf", sheet.ErrEmpty},
		"a broken header":      {"a\"b;c\n", sheet.ErrEmpty},
		"a workbook":           {"PK\x03\x04\x14\x00", sheet.ErrWorkbook},
		"an old workbook":      {"\xd0\xcf\x11\xe0\xa1\xb1", sheet.ErrWorkbook},
		"a picture":            {"\x89PNG\r\n\x1a\n\x00\x00", sheet.ErrEncoding},
		"broken UTF-8":         {"name;address\nZoë;z@example.org\nRen\xc3;r@example.org", sheet.ErrEncoding},
		"a mark and no UTF-8":  {"\xef\xbb\xbfname\nRen\xe9", sheet.ErrEncoding},
		"UTF-16 without mark":  {utf16Of(t, "name;address\n", unicode.LittleEndian, unicode.IgnoreBOM), sheet.ErrEncoding},
		"no Windows character": {"name\nRen\xe9\x81", sheet.ErrEncoding},
		"half of UTF-16":       {"\xff\xfen", sheet.ErrEncoding},
		"one row too many":     {"name\n" + strings.Repeat("a\n", 11), sheet.ErrTooMany},
	} {
		got, err := sheet.Read([]byte(c.file), known, 10)
		if !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) || got.Rows != nil {
			t.Errorf("%s: %v, %v", name, err, got)
		}
	}
}

// No file makes it panic; what it returns are texts, and rows in the order of the file.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"name;address\na;b\n", "sep=,\nname,a\n\"x\ny\",b", "\xff\xfen\x00", "\xef\xbb\xbfname", "name\tb\r\"", "name\nRen\xe9\n", "PK\x03\x04", "a\x00b\n", "\"\"\"", "sep=\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		table, err := sheet.Read(file, known, 100)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
			return
		}
		last := 0
		for _, r := range table.Rows {
			if r.Line <= last || r.Broken != (r.Cells == nil) {
				t.Errorf("row %+v after line %d", r, last)
			}
			last = r.Line
			for _, cell := range r.Cells {
				if !utf8.ValidString(cell) {
					t.Errorf("cell %q", cell)
				}
			}
		}
		if len(table.Rows) > 100 || len(table.Header) == 0 {
			t.Errorf("%d rows, header %q", len(table.Rows), table.Header)
		}
	})
}

// What is written begins no cell as a formula, and is read as it was but for that.
func TestCellsAreNoFormulas(t *testing.T) {
	texts := []string{"=1+1", "+31 6", "-a", "@SUM(A1)", "\tx", "\r=1", " =1", "＝1", "'t Hart", "Zoë", "", "a;b", `a "b"`, "two\nlines", "-", "1=1"}
	var file bytes.Buffer
	if err := sheet.Write(&file, []string{"name", "address"}, texts); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(file.Bytes(), []byte("\xef\xbb\xbf")) {
		t.Error("no mark, by which spreadsheets know UTF-8")
	}
	got, err := sheet.Read(file.Bytes(), known, 10)
	if err != nil || len(got.Rows) != 1 {
		t.Fatalf("%v, %v", err, got)
	}
	for i, cell := range got.Rows[0].Cells {
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") || sheet.Formula(cell) {
			t.Errorf("%q is written as %q", texts[i], cell)
		}
		if want := strings.TrimSpace(texts[i]); strings.TrimPrefix(cell, "'") != strings.TrimPrefix(want, "'") && fmt.Sprintf("'%s", texts[i]) != cell {
			t.Errorf("%q is written as %q", texts[i], cell)
		}
	}
}

// A cell is text, also where a spreadsheet would take it, or a part of it behind a separator, for a formula.
func TestCellOfAText(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "Anna": "Anna", "a=1": "a=1", " =1": "' =1", "=1+1": "'=1+1", "+31 10": "'+31 10", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "'=1": "'=1", "é": "é", "Mozilla;=1": "Mozilla;'=1",
	} {
		if got := sheet.Cell(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

// What was marked as text is the same text again.
func TestMarkedCellsComeBack(t *testing.T) {
	for _, text := range []string{"", "a", "=a", " +a", "@a;=b, -c", "a\tb", "'a", "a'=b", "t/1", "+q3/8w==", "!x"} {
		if got := sheet.Text(sheet.Cell(text)); got != text {
			t.Errorf("%q came back as %q, by %q", text, got, sheet.Cell(text))
		}
	}
}
