package login

import (
	"net/url"
	"testing"
)

func TestCodesAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"123456":              "123456",
		" 123 456 ":           "123456",
		"123-456":             "123456",
		"12.34.56":            "123456",
		"123\u00a0456\t":      "123456",
		"123\u2009456":        "123456",
		"123\u2013456":        "123456", // a dash that a keyboard makes of two hyphens
		"\u202a123456\u202c":  "123456", // marks that come along when it is copied
		"１２３４５６":              "123456",
		"١٢٣٤٥٦":              "123456",
		"۱۲۳۴۵۶":              "123456",
		"१२३४५६":              "123456",
		"000000":              "000000",
		"":                    "code.error_empty",
		"  - ":                "code.error_empty",
		"12345":               "code.error_format",
		"1234567":             "code.error_format",
		"123456123456123456":  "code.error_format",
		"12345a":              "code.error_format",
		"abcdef":              "code.error_format",
		"+12345":              "code.error_format",
		"12345²":              "code.error_format", // no decimal digit
		"1234\x0056":          "code.error_format",
		"123456\xff":          "code.error_format",
		"123456' OR '1'='1":   "code.error_format",
		"JBSWY3DPEHPK3PXP":    "code.error_format",
		"otpauth://totp/anna": "code.error_format",
	} {
		v := Visit{Form: url.Values{"code": {typed}}}
		got, mistakes := v.TypedCode()
		if len(mistakes) > 0 {
			got = mistakes[0].Key
		}
		if got != want {
			t.Errorf("%q: %s, want %s", typed, got, want)
		}
	}
}

func FuzzTypedCode(f *testing.F) {
	f.Add("123 456")
	f.Add("١٢٣٤٥٦")
	f.Fuzz(func(t *testing.T, typed string) {
		v := Visit{Form: url.Values{"code": {typed}}}
		code, mistakes := v.TypedCode()
		if (len(mistakes) > 0) == (len(code) == CodeDigits) {
			t.Fatalf("%q: %q and %v", typed, code, mistakes)
		}
		for _, r := range code {
			if r < '0' || r > '9' {
				t.Fatalf("%q: %q", typed, code)
			}
		}
	})
}
