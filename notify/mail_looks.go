package notify

import (
	"bytes"
	"image/png"
	"regexp"
	"strings"

	"github.com/minddistrict/idp/platform"
)

// filler follows the preview: a list of mails shows up to some 200 characters of a mail, and the organisation's name is
// not to be among them. Mail programs keep these, and draw nothing but blanks.
var filler = strings.Repeat("\u034f\u200c\u00a0", 100)

// logo is a picture, and how wide it is shown.
type logo struct {
	ID    string // Content-ID
	Width int    // in CSS pixels; the height follows, so that the name in its place has room when pictures are blocked
}

// Bounds of a logo, in CSS pixels: it leaves a margin on a screen of 320, and is no higher than three lines.
const (
	logoWidth  = 240
	logoHeight = 56
)

// logoOf is the platform's logo; nil: it has none, or one that is not a picture.
func logoOf(p *platform.Platform, id string) *logo {
	size, err := png.DecodeConfig(bytes.NewReader(p.Branding.Logo))
	if err != nil || size.Width < 1 || size.Height < 1 {
		return nil
	}
	w, h := float64(size.Width), float64(size.Height)
	by := min(1, logoWidth/w, logoHeight/h)
	return &logo{ID: id, Width: max(1, int(w*by))}
}

// wordsOn is the colour in which words can be read on a colour: one of the two always has a contrast of 4.5 : 1 or more.
func wordsOn(colour string) string {
	const dark, light = "#000000", "#ffffff"
	if platform.Contrast(dark, colour) > platform.Contrast(light, colour) {
		return dark
	}
	return light
}

// dialled is a phone number as people write it.
var dialled = regexp.MustCompile(`^\+?[0-9(][0-9 ().\x{a0}-]{1,30}$`)

// reachable is a platform whose helpdesk has only what can be pressed: a contact is free text of an organisation, and
// becomes a link in a mail.
func reachable(p *platform.Platform) *platform.Platform {
	q := *p
	for _, c := range []*platform.Contact{&q.HelpPublic, &q.HelpStaff} {
		if _, err := sender(c.Email); err != nil {
			c.Email = ""
		}
		if !dialled.MatchString(c.Phone) {
			c.Phone = ""
		}
	}
	return &q
}
