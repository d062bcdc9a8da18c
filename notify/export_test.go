package notify

import "github.com/minddistrict/idp/ui"

// Whole is what this build says. Tests inside the package cannot ask internal/wire, which imports it.
var Whole func() *ui.Renderer
