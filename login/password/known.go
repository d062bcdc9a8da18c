package password

import (
	"strings"
	"sync"
	"unicode"
)

// examples were printed on help pages as examples of good passwords (in English and in Dutch) and in a comic
// that everybody knows. An example that was published is the first thing that is tried.
var examples = []string{
	"IDrink3CoffeePerDay!", "IDrink3CoffeePerDay!ButIAlsoDrink2Tea!",
	"IkDrink3KoffiePerDag!", "IkDrink3KoffiePerDag!MaarIkDrinkOok2Thee!",
	"correct horse battery staple", "Tr0ub4dor&3",
}

// short is our own list of passwords that became known, in the form that bare gives them.
var short = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, p := range append(list("known"), examples...) {
		all[bare(p)] = true
	}
	return all
})

// published reports whether a password is on our own list, whatever its capitals and however it is set off or ended.
func published(password string) bool { return short()[bare(password)] }

// bare is a password in lower case, without blanks and without signs around it.
func bare(password string) string {
	p := strings.ToLower(strings.Join(strings.Fields(password), ""))
	return strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
