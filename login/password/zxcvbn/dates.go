package zxcvbn

import (
	"math"
	"regexp"
	"strconv"
)

// Days with a separator: the year last or first.
var (
	yearLast  = regexp.MustCompile(`(\d{1,2})[\s\-/\\_.](\d{1,2})[\s\-/\\_.](19\d\d|20[0-4]\d|\d\d)`)
	yearFirst = regexp.MustCompile(`(19\d\d|20[0-4]\d|\d\d)[\s\-/\\_.](\d{1,2})[\s\-/\\_.](\d{1,2})`)
	digitsOf  = regexp.MustCompile(`\d{6,8}`)
)

// What guessing a day takes, and which separator it has.
var (
	dayBits      = math.Log2(31 * 12 * 100) // the year has two digits
	longDayBits  = math.Log2(31 * 12 * 119) // four
	separateBits = 2.0
)

// dates finds days, with and without separators.
func dates(text string) (all []match) {
	for _, form := range []struct {
		find             *regexp.Regexp
		year, day, month int
	}{{yearLast, 3, 1, 2}, {yearFirst, 1, 2, 3}} {
		for _, at := range form.find.FindAllStringSubmatchIndex(text, -1) {
			part := func(n int) string { return text[at[2*n]:at[2*n+1]] }
			if bits, ok := dateBits(part(form.day), part(form.month), part(form.year)); ok {
				all = append(all, match{at[0], at[1], bits + separateBits})
			}
		}
	}
	for _, at := range digitsOf.FindAllStringIndex(text, -1) {
		from, end := at[0], at[1]
		run := text[from:end]
		year := len(run) - 4 // digits of the year: 2 or 4
		if year == 3 {
			continue
		}
		for _, split := range [][2]string{{run[:year], run[year:]}, {run[4:], run[:4]}} {
			if bits, ok := dateBits(split[1][:2], split[1][2:], split[0]); ok {
				all = append(all, match{from, end, bits})
			}
		}
	}
	return all
}

// dateBits is what it takes to guess a day, if there is such a one; day and month may have changed places.
func dateBits(day, month, year string) (bits float64, ok bool) {
	d, _ := strconv.Atoi(day) // digits: cannot fail
	m, _ := strconv.Atoi(month)
	y, _ := strconv.Atoi(year)
	if m > 12 {
		d, m = m, d
	}
	if d > 31 || m > 12 || y >= 100 && (y < 1900 || y > 2049) {
		return 0, false
	}
	if y < 100 {
		return dayBits, true
	}
	return longDayBits, true
}
