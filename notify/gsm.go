package notify

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The default alphabet of text messages and its extension, whose characters count twice (3GPP TS 23.038 section 6.2.1).
// A single character outside of them makes a message of 160 characters one of 70.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmTwice = "^{}\\[~]|€"

	oneMessage = 160 // septets
)

// lookalikes are what stands for characters that the alphabet has not.
var lookalikes = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "…", "...", "\u00a0", " ", "ç", "c")

// gsm writes a text in the alphabet: what it has not becomes what is nearest, without its accents, or a question mark.
func gsm(text string) string {
	var b strings.Builder
	for _, r := range lookalikes.Replace(norm.NFC.String(text)) {
		if strings.ContainsRune(gsmBasic+gsmTwice, r) {
			b.WriteRune(r)
			continue
		}
		plain := []rune(norm.NFD.String(string(r)))[0]
		if !strings.ContainsRune(gsmBasic, plain) || unicode.IsControl(plain) {
			plain = '?'
		}
		b.WriteRune(plain)
	}
	return b.String()
}

// septets is how long a text in the alphabet is.
func septets(text string) (n int) {
	for _, r := range text {
		if n++; strings.ContainsRune(gsmTwice, r) {
			n++
		}
	}
	return n
}
