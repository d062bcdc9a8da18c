package notify

import (
	"bytes"
	"image/png"
	"regexp"
	"strings"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Filler follows the preview: a list of mails shows up to some 200 characters of a mail, and the organisation's name is
// not to be among them. Mail programs keep these, and draw nothing but blanks.
func (page) Filler() string { return filler }

var filler = strings.Repeat("\u034f\u200c\u00a0", 100)

// brand is how a mail looks like its platform's.
type brand struct {
	Platform string // its name, where there is no logo, and for who sees no pictures
	Logo     *logo  // nil: none
	Colour   string // of the strip at the top, and of the button
	Words    string // colour of the words on the button
	Edge     string // colour around the button
}

func brandOf(p *platform.Platform, logoID string) brand {
	b := p.Branding
	return brand{Platform: p.Name, Logo: logoOf(p, logoID), Colour: b.Colour, Words: b.Text(), Edge: b.EdgeLight()}
}

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

// whole keeps each phone number in one line.
func whole(pieces []ui.Piece) []ui.Piece {
	for i, p := range pieces {
		if strings.HasPrefix(string(p.URL), "tel:") {
			pieces[i].Text = strings.ReplaceAll(p.Text, " ", "\u00a0")
		}
	}
	return pieces
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
