package idptest

import (
	"golang.org/x/net/html"

	"github.com/minddistrict/idp/test/browser"
)

// Browser is a browser of somebody in a test.
type Browser = browser.Browser

// NewBrowser opens a browser with an empty jar in front of a house in process.
func NewBrowser(s *Server, lang string) *Browser { return browser.New(s, lang) }

// Visible is the text of a page as a person reads it.
func Visible(doc *html.Node) string { return browser.Visible(doc) }
