package admin

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/sheet"
	"github.com/minddistrict/idp/staff"
)

// Files with the words of either language, in any order.
func TestColumnsOfFiles(t *testing.T) {
	want := []staff.Row{{Line: 2, Newcomer: staff.Newcomer{Given: "Anna", Middle: "van der", Family: "Berg", Address: "anna@example.org", Role: "client", Locale: "nl"}}}
	for name, file := range map[string]string{
		"Dutch":           "voornaam;tussenvoegsel;achternaam;e-mailadres;rol;taal\nAnna;van der;Berg;anna@example.org;cliënt;Nederlands",
		"English":         "Given name,Middle name,Family name,E-mail address,Role,Language\nAnna,van der,Berg,anna@example.org,Client,Dutch",
		"another order":   "TAAL\tRol\tE-MAIL\tAchternaam\tVoornaam\tTussenvoegsel\nnl\tclient\tanna@example.org\tBerg\tAnna\tvan der",
		"other words":     "roepnaam;voorvoegsel;familienaam;mailadres;role;language\nAnna;van der;Berg;anna@example.org;CLIENT;nl-NL",
		"just address":    "first name;infix;surname;address;role;language\nAnna;van der;Berg;anna@example.org;client;nl",
		"fewer cells":     "voornaam;tussenvoegsel;achternaam;e-mail;rol;taal;afdeling\nAnna;van der;Berg;anna@example.org;client;nl",
		"empty cells":     "voornaam;tussenvoegsel;achternaam;e-mail;rol;taal\nAnna;van der;Berg;anna@example.org;client;nl;;;",
		"where she lives": "voornaam;tussenvoegsel;achternaam;adres;e-mail;rol;taal\nAnna;van der;Berg;Dorpsstraat 1;anna@example.org;client;nl",
	} {
		got, err := readPeople([]byte(file))
		if err != nil || !reflect.DeepEqual(got.Rows, want) {
			t.Errorf("%s: %v, %+v", name, err, got.Rows)
		}
	}
	got, err := readPeople([]byte("email;adres;;geboren\na@example.org;Dorpsstraat 1;;1970\n"))
	if err != nil || !slices.Equal(got.Unused, []string{"adres", "geboren"}) {
		t.Errorf("%v, unused %q", err, got.Unused)
	}
}

func TestFilesWithoutPeople(t *testing.T) {
	for name, row := range map[string]struct {
		file string
		want error
		key  string
	}{
		"nothing":          {"", sheet.ErrEmpty, "staff.file_empty"},
		"a header":         {"email\n\n", sheet.ErrEmpty, "staff.file_empty"},
		"no address":       {"voornaam;rol\nAnna;client", errNoAddresses, "staff.file_no_addresses"},
		"no header":        {"anna@example.org;Anna", errNoAddresses, "staff.file_no_addresses"},
		"two columns":      {"email;e-mail\na@example.org;b@example.org", errTwoColumns, "staff.file_two_columns"},
		"too many":         {"email\n" + strings.Repeat("a@example.org\n", staff.MostRows+1), sheet.ErrTooMany, "staff.file_too_many"},
		"a workbook":       {"PK\x03\x04", sheet.ErrWorkbook, "staff.file_workbook"},
		"other characters": {"email\n\x81\xff", sheet.ErrEncoding, "staff.file_encoding"},
	} {
		got, err := readPeople([]byte(row.file))
		if !errors.Is(err, row.want) || !errors.Is(err, fault.Invalid) || got.Rows != nil || fileKey(err) != row.key {
			t.Errorf("%s: %v, %s", name, err, fileKey(err))
		}
	}
}

func TestRowsThatAreNotReadFurther(t *testing.T) {
	got, err := readPeople([]byte("email;voornaam\na@example.org;Anna;Berg\nb\"@example.org;Bram\nc@example.org;" + strings.Repeat("x", 1<<20) + "\nd@example.org;D\x00\n"))
	if err != nil || len(got.Rows) != 4 {
		t.Fatalf("%v, %d rows", err, len(got.Rows))
	}
	for i, want := range []staff.Flaws{{staff.MoreCells}, {staff.BrokenRow}, nil, nil} {
		if !slices.Equal(got.Rows[i].Unread, want) || len(got.Rows[i].Given) > longestCell+len("…") {
			t.Errorf("row %d: %v, %d bytes of a name", i, got.Rows[i].Unread, len(got.Rows[i].Given))
		}
	}
}

// Whatever the file, reading it ends with rows or with a sentence, and every flaw has a text.
func FuzzPeople(f *testing.F) {
	for _, seed := range []string{
		"email;voornaam\na@example.org;=1+1\n", "adres,rol\n\"a@example.org\",boss", "e-mail\tgiven name\n\t\"", "email\nRen\xe9@example.org", "sep=,\nemail,email",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := readPeople(file)
		if err != nil {
			if fileKey(err) == "" {
				t.Errorf("no text for %v", err)
			}
			return
		}
		for _, r := range c.Rows {
			for _, flaw := range r.Unread {
				if flawKeys[flaw] == "" {
					t.Errorf("no text for %q", flaw)
				}
			}
			if len(r.Unread) > 0 && r.Newcomer != (staff.Newcomer{}) && !slices.Contains(r.Unread, staff.MoreCells) {
				t.Errorf("a broken row says %+v", r.Newcomer)
			}
		}
	})
}
