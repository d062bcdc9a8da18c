package ui

import (
	"slices"
	"strings"
)

// mark is what tells a browser or system from what a browser says of itself.
type mark struct{ in, name string }

// browsers and systems, those first that also claim to be another. A table of our own and no library: people need a
// dozen names, and what the page shows is one of these words, never text from outside.
var (
	browsers = []mark{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Vivaldi/", "Vivaldi"}, {"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"},
		{"Trident/", "Internet Explorer"}, {"MSIE ", "Internet Explorer"}, {"Safari/", "Safari"},
	}
	systems = []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Macintosh", onMac}, {"Linux", "Linux"},
	}
)

// onMac: an iPad asks for pages as a Mac does, and says that it is one.
const onMac = "Mac/iPad"

// MachineOf reads what a browser said of itself (RFC 9110 section 10.1.5), as far as it means anything to people.
func MachineOf(agent string) Machine {
	m := Machine{Browser: nameOf(browsers, agent), System: nameOf(systems, agent)}
	if m.System == onMac && strings.Contains(agent, "iOS/") { // a browser for iPhones and iPads only
		m.System = "iPad"
	}
	return m
}

func nameOf(marks []mark, agent string) string {
	i := slices.IndexFunc(marks, func(m mark) bool { return strings.Contains(agent, m.in) })
	if i < 0 {
		return ""
	}
	return marks[i].name
}

// Known is a machine of which both names are ours.
func (m Machine) Known() Machine {
	ours := func(marks []mark, name string) string {
		if slices.ContainsFunc(marks, func(m mark) bool { return m.name == name }) {
			return name
		}
		return ""
	}
	return Machine{Browser: ours(browsers, m.Browser), System: ours(systems, m.System)}
}

// MachineNames are the names that a Machine may have.
func MachineNames() (ofBrowsers, ofSystems []string) {
	for _, m := range browsers {
		ofBrowsers = append(ofBrowsers, m.name)
	}
	for _, m := range systems {
		ofSystems = append(ofSystems, m.name)
	}
	return ofBrowsers, ofSystems
}
