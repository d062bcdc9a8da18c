package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/minddistrict/idp/internal/fault"
)

// What is wrong with a whole file. All are fault.Invalid.
var (
	ErrEmpty    = fmt.Errorf("%w: nothing in it", fault.Invalid)
	ErrWorkbook = fmt.Errorf("%w: a workbook, and no text", fault.Invalid) // as a spreadsheet saves it unless told otherwise
	ErrEncoding = fmt.Errorf("%w: characters of no known encoding", fault.Invalid)
	ErrTooMany  = fmt.Errorf("%w: too many rows", fault.Invalid)
)

// Encoding is how the characters of a file were written.
type Encoding string

const (
	UTF8        Encoding = "UTF-8"
	UTF16       Encoding = "UTF-16"
	Windows1252 Encoding = "Windows-1252" // and so ISO 8859-1, of which it is more
)

// Table is what a file holds. The first row is the header.
type Table struct {
	Encoding Encoding
	Header   []string
	Rows     []Row // without those that are empty
}

// Row is one row below the header.
type Row struct {
	Line   int      // of the file, from 1
	Cells  []string // as many as there are, without the blanks around each
	Broken bool     // its quotes do not match, so where its cells begin is not known; it has none
}

// Read reads a file with at most so many rows below its header. Of the separators ; , and tab it takes the one by which
// most words of the header are known; of several the one that makes most cells.
func Read(file []byte, known func(word string) bool, most int) (Table, error) {
	text, encoding, err := decode(file)
	if err != nil {
		return Table{}, err
	}
	text, said := separatorSaid(text)
	comma := separatorOf(text, said, known)
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = comma, -1
	t := Table{Encoding: encoding}
	for {
		row, err := read(r)
		switch {
		case errors.Is(err, io.EOF) && t.Header == nil:
			return Table{}, ErrEmpty
		case errors.Is(err, io.EOF):
			return t, nil
		case err != nil:
			return Table{}, err
		case blank(row):
		case t.Header == nil && row.Broken:
			return Table{}, ErrEmpty
		case t.Header == nil:
			t.Header = row.Cells
		case len(t.Rows) == most:
			return Table{}, ErrTooMany
		default:
			if said != 0 {
				row.Line++ // the line that says which separator it is
			}
			t.Rows = append(t.Rows, row)
		}
	}
}

// read reads the next row. Of what csv calls an error the row is broken, and the next one is read on.
func read(r *csv.Reader) (Row, error) {
	cells, err := r.Read()
	if broken, ok := errors.AsType[*csv.ParseError](err); ok {
		return Row{Line: broken.StartLine, Broken: true}, nil
	}
	if err != nil {
		return Row{}, err
	}
	line, _ := r.FieldPos(0)
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return Row{Line: line, Cells: cells}, nil
}

func blank(row Row) bool {
	return !row.Broken && !slices.ContainsFunc(row.Cells, func(cell string) bool { return cell != "" })
}

// separators are those that spreadsheets write: a Dutch one a semicolon, an English one a comma, and as "text" a tab.
var separators = []rune{';', ',', '\t'}

// separatorSaid takes the first line away by which a spreadsheet says its separator: sep=; and nothing more.
func separatorSaid(text string) (rest string, said rune) {
	line, rest, _ := strings.Cut(text, "\n")
	word, ok := strings.CutPrefix(strings.ToLower(strings.Trim(line, "\r\"")), "sep=")
	if said, _ = utf8.DecodeRuneInString(word); !ok || !slices.Contains(separators, said) || utf8.RuneCountInString(word) != 1 {
		return text, 0
	}
	return rest, said
}

// separatorOf compares what each separator makes of the header.
func separatorOf(text string, said rune, known func(word string) bool) rune {
	if said != 0 {
		return said
	}
	best, words, cells := separators[0], -1, 0
	for _, comma := range separators {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.FieldsPerRecord = comma, -1
		header, err := read(r)
		for err == nil && blank(header) {
			header, err = read(r)
		}
		n := 0
		for _, cell := range header.Cells {
			if known(cell) {
				n++
			}
		}
		if n > words || n == words && len(header.Cells) > cells {
			best, words, cells = comma, n, len(header.Cells)
		}
	}
	return best
}

// workbooks begin so: a ZIP archive (.xlsx, .ods) and a compound file (.xls).
var workbooks = []string{"PK\x03\x04", "\xd0\xcf\x11\xe0"}

// decode makes UTF-8 of a file, with newlines as ends of lines.
func decode(file []byte) (string, Encoding, error) {
	for _, begin := range workbooks {
		if bytes.HasPrefix(file, []byte(begin)) {
			return "", "", ErrWorkbook
		}
	}
	text, encoding, err := characters(file)
	if err != nil {
		return "", "", err
	}
	head, _, _ := strings.Cut(text, "\n")
	if strings.ContainsRune(head, 0) || strings.ContainsRune(head, utf8.RuneError) {
		return "", "", ErrEncoding // UTF-16 that does not say so, or no text at all
	}
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n") // as computers of long ago ended lines
	}
	return text, encoding, nil
}

const (
	markUTF8  = "\xef\xbb\xbf"
	markUTF16 = "\xff\xfe"
	markBig   = "\xfe\xff"
)

// undefined are bytes that mean nothing in Windows-1252, and one that is in no text.
var undefined = []byte{0x81, 0x8d, 0x8f, 0x90, 0x9d, 0}

func characters(file []byte) (string, Encoding, error) {
	rest, marked := bytes.CutPrefix(file, []byte(markUTF8))
	switch {
	case bytes.HasPrefix(file, []byte(markUTF16)), bytes.HasPrefix(file, []byte(markBig)):
		text, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(file)
		if err != nil {
			return "", "", ErrEncoding
		}
		return string(text), UTF16, nil
	case utf8.Valid(rest):
		return string(rest), UTF8, nil
	case marked || damaged(rest) || slices.ContainsFunc(rest, func(b byte) bool { return bytes.IndexByte(undefined, b) >= 0 }):
		return "", "", ErrEncoding
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(rest)
	if err != nil {
		return "", "", ErrEncoding
	}
	return string(text), Windows1252, nil
}

// damaged reports whether a text that is not UTF-8 has a character of UTF-8 all the same: it is broken then, and what it
// would be in another encoding is not what was written.
func damaged(text []byte) bool {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if size > 1 && r != utf8.RuneError {
			return true
		}
		text = text[size:]
	}
	return false
}
