package sms

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/minddistrict/idp/platform"
)

// longestTyped is in bytes: a number has at most 15 digits (ITU-T E.164 section 6), however they are grouped.
const longestTyped = 60

// parse reads a mobile number as people write it, of the platform's country or, with + or 00, of another one. It returns
// it in E.164, or the text key of what is wrong.
func parse(typed string, p *platform.Platform) (number, mistake string) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", "phone.error_empty"
	}
	if len(typed) > longestTyped || strings.ContainsFunc(typed, notOfNumber) {
		return "", "phone.error_invalid" // letters that stand for digits, extensions
	}
	n, err := phonenumbers.Parse(strings.Map(visible, typed), p.Country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", "phone.error_invalid"
	}
	if !slices.Contains(p.Policy.SMSCountries, phonenumbers.GetRegionCodeForNumber(n)) {
		return "", "phone.error_country"
	}
	number = phonenumbers.Format(n, phonenumbers.E164)
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		if !strings.HasPrefix(number, devices) {
			return number, ""
		}
	}
	return "", "phone.error_landline" // premium numbers and pagers as well: no text message with a code goes there
}

// devices is the Dutch range 097, of machines (Nummerplan telefoon- en ISDN-diensten).
const devices = "+3197"

func notOfNumber(r rune) bool {
	return !unicode.IsDigit(r) && !unicode.IsSpace(r) && !unicode.In(r, unicode.Pd, unicode.Cf) && !strings.ContainsRune("+.()/", r)
}

// visible leaves out marks of writing direction, which come along when a number is copied.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// End is what people see of a number: its last two digits.
func End(number string) string { return number[max(0, len(number)-2):] }
