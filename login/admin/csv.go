package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/minddistrict/idp/internal/sheet"
)

// ExportPage is before a file is made: a form, so that no browser that looks ahead makes one. Who takes it away is on
// record, and has just shown who it is.
type ExportPage struct {
	Chrome
	Title, Body string // text keys
	Back        string // ... of the link to BackURL
	Action      string
	Fields      []HiddenField // what is asked for
	Most        int           // how many rows the file has at most
	BackURL     string
}

// HiddenField goes along with a form.
type HiddenField struct{ Name, Value string }

// column is one of a file that somebody takes away.
type column[Row any] struct {
	name string
	of   func(Row) string
}

// sendCSV answers with a file of rows, which is kept by the browser and never shown by it. Its name has what it is of,
// the platform and the day, and says where it is not all that there is.
func sendCSV[Row any](w http.ResponseWriter, v *Visit, of string, partial bool, columns []column[Row], rows []Row) error {
	table := [][]string{make([]string, len(columns))}
	for i, c := range columns {
		table[0][i] = c.name
	}
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.of(row)
		}
		table = append(table, cells)
	}
	name := fmt.Sprintf("%s-%s-%s", of, url.PathEscape(string(v.Platform.ID)), v.Now.UTC().Format(time.DateOnly))
	if partial {
		name += "-not-all"
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present") // RFC 4180 section 3
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	return sheet.Write(w, table...)
}
