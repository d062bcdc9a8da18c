package idptest

import "github.com/minddistrict/idp/internal/wire"

// Text is a text of the house's pages.
func Text(lang, key string, args ...any) string { return wire.UI().Text(lang, key, args...) }
