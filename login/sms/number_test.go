package sms

import (
	"testing"

	"github.com/minddistrict/idp/platform"
)

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ country, typed, number, mistake string }{
		{"NL", "06-12345678", "+31612345678", ""},
		{"NL", "06 12 34 56 78", "+31612345678", ""},
		{"NL", "0612345678", "+31612345678", ""},
		{"NL", "06 - 123 45 678", "+31612345678", ""},
		{"NL", "06.12.34.56.78", "+31612345678", ""},
		{"NL", "(06) 12345678", "+31612345678", ""},
		{"NL", "06/12345678", "+31612345678", ""},
		{"NL", "612345678", "+31612345678", ""},
		{"NL", "+31 6 12345678", "+31612345678", ""},
		{"NL", "+31612345678", "+31612345678", ""},
		{"NL", "+31 (0)6 12345678", "+31612345678", ""},
		{"NL", "+31(0)612345678", "+31612345678", ""},
		{"NL", "0031612345678", "+31612345678", ""},
		{"NL", "00 31 6 12345678", "+31612345678", ""},
		{"NL", "  06\u00a012345678\t", "+31612345678", ""},
		{"NL", "\u202a06‑12345678\u202c", "+31612345678", ""}, // as copied from a list of contacts
		{"NL", "06–12345678", "+31612345678", ""},
		{"NL", "٠٦١٢٣٤٥٦٧٨", "+31612345678", ""},
		{"NL", "+49 1512 3456789", "+4915123456789", ""},
		{"NL", "0049 1512 3456789", "+4915123456789", ""},
		{"NL", "+44 7400 123456", "+447400123456", ""},
		{"NL", "+32 470 12 34 56", "+32470123456", ""},
		{"GB", "07400 123456", "+447400123456", ""},
		{"DE", "01512 3456789", "+4915123456789", ""},
		{"BE", "0470 12 34 56", "+32470123456", ""},
		{"GB", "+31612345678", "+31612345678", ""},

		{"NL", "", "", "phone.error_empty"},
		{"NL", " \u00a0 ", "", "phone.error_empty"},
		{"NL", "06-1234567", "", "phone.error_invalid"},
		{"NL", "06-123456789", "", "phone.error_invalid"},
		{"NL", "12345678", "", "phone.error_invalid"},
		{"NL", "anna@example.org", "", "phone.error_invalid"},
		{"NL", "06-1234567a", "", "phone.error_invalid"},
		{"NL", "0612345678 ext 5", "", "phone.error_invalid"},
		{"NL", "0612345678;ext=5", "", "phone.error_invalid"},
		{"NL", "tel:+31612345678", "", "phone.error_invalid"},
		{"NL", "0612345678, 0687654321", "", "phone.error_invalid"},
		{"NL", "+999 12345678", "", "phone.error_invalid"},
		{"NL", "+", "", "phone.error_invalid"},
		{"NL", "112", "", "phone.error_invalid"},
		{"NL", "06000000000000000000000000000000000000000000000000000000000000000", "", "phone.error_invalid"},

		{"NL", "020 123 45 67", "", "phone.error_landline"},
		{"NL", "+49 30 901820", "", "phone.error_landline"},
		{"NL", "0900 1234", "", "phone.error_landline"},    // premium
		{"NL", "0800 1121", "", "phone.error_landline"},    // free of charge
		{"NL", "085 123 4567", "", "phone.error_landline"}, // no place of its own
		{"NL", "097 0123 45678", "", "phone.error_landline"},
		{"NL", "+31 97 012345678", "", "phone.error_landline"},
		{"GB", "070 1234 5678", "", "phone.error_landline"}, // forwards to anywhere, at any price
		{"GB", "020 7946 0018", "", "phone.error_landline"},
		{"GB", "07640 123456", "", "phone.error_landline"}, // pagers

		{"NL", "+33 6 12 34 56 78", "", "phone.error_country"},
		{"NL", "+1 201 555 0123", "", "phone.error_country"},
		{"NL", "+44 7624 123456", "", "phone.error_country"},  // the Isle of Man, a country of its own
		{"NL", "+882 16 12345678", "", "phone.error_country"}, // satellites
	} {
		p := &platform.Platform{Country: c.country}
		usual(&p.Policy)
		if number, mistake := parse(c.typed, p); number != c.number || mistake != c.mistake {
			t.Errorf("%s %q: %q %q, want %q %q", c.country, c.typed, number, mistake, c.number, c.mistake)
		}
	}
	p := &platform.Platform{Country: "NL"} // no country allowed
	if _, mistake := parse("0612345678", p); mistake != "phone.error_country" {
		t.Errorf("without countries: %s", mistake)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"06-12345678", "+31 (0)6 12345678", "0049 1512 3456789", "+", "((((", "٠٦١٢٣٤٥٦٧٨", "+31+31", "0031 0031 6"} {
		f.Add(seed)
	}
	p := &platform.Platform{Country: "NL"}
	usual(&p.Policy)
	f.Fuzz(func(t *testing.T, typed string) {
		number, mistake := parse(typed, p)
		if (number == "") == (mistake == "") {
			t.Fatalf("%q: %q and %q", typed, number, mistake)
		}
		if number == "" {
			return
		}
		if again, mistake := parse(number, p); again != number || mistake != "" {
			t.Fatalf("%q became %q, and that %q %q", typed, number, again, mistake)
		}
	})
}
