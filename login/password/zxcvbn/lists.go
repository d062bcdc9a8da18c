package zxcvbn

import (
	"encoding/json"

	"github.com/ccojocar/zxcvbn-go/data"
)

// Lists are passwords, English words and names, most common first, read anew at each call.
func Lists() (all [][]string) {
	for _, name := range []string{"Passwords", "English", "Surnames", "FemaleNames", "MaleNames"} {
		var file struct{ List []string }
		embedded(name, &file)
		all = append(all, file.List)
	}
	return all
}

// embedded reads a file of the library.
func embedded(name string, to any) {
	raw, err := data.Asset("data/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
}
