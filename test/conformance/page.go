package conformance

import (
	"regexp"
	"strings"

	"github.com/minddistrict/idp/test/browser"
	"golang.org/x/net/html"
)

// query finds the first element that a selector of the browser commands names: id, name, class, css (an element and its
// attributes, and such an element inside another), and the xpath //* for the whole page.
func query(page *html.Node, kind, target string) *html.Node {
	var fits func(*html.Node) bool
	switch kind {
	case "id", "name":
		fits = func(n *html.Node) bool { return browser.Attr(n, kind) == target }
	case "class":
		fits = func(n *html.Node) bool { return hasClass(n, target) }
	case "css":
		fits = func(n *html.Node) bool { return fitsAll(n, strings.Fields(target)) }
	case "xpath":
		fits = func(*html.Node) bool { return target == "//*" }
	default:
		return nil
	}
	for n := range page.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			return n
		}
	}
	return nil
}

var attribute = regexp.MustCompile(`\[([a-z-]+)(?:="?([^"\]]*)"?)?\]`)

// fitsAll reports whether an element fits the last selector, and an element around it each of those before.
func fitsAll(n *html.Node, selectors []string) bool {
	last := len(selectors) - 1
	if last < 0 || !fitsOne(n, selectors[last]) {
		return false
	}
	for around := n.Parent; last > 0; around = around.Parent {
		if around == nil {
			return false
		}
		if fitsOne(around, selectors[last-1]) {
			last--
		}
	}
	return true
}

// fitsOne reports whether an element fits a selector such as button[name=do][value=continue].
func fitsOne(n *html.Node, selector string) bool {
	name, rest, _ := strings.Cut(selector, "[")
	if n.Type != html.ElementNode || name != "" && n.Data != name {
		return false
	}
	if rest == "" {
		return name != ""
	}
	for _, m := range attribute.FindAllStringSubmatch("["+rest, -1) {
		value, has := lookUp(n, m[1])
		if !has || strings.Contains(m[0], "=") && value != m[2] {
			return false
		}
	}
	return true
}

func hasClass(n *html.Node, class string) bool {
	for _, c := range strings.Fields(browser.Attr(n, "class")) {
		if c == class {
			return true
		}
	}
	return false
}

func lookUp(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
