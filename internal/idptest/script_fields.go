package idptest

import "strings"

// fields splits "name key=value …".
func fields(rest string) (string, map[string]string) {
	words := strings.Fields(rest)
	options := map[string]string{}
	if len(words) == 0 {
		return "", options
	}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		options[k] = strings.ReplaceAll(v, "+", " ")
	}
	return words[0], options
}
