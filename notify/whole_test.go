package notify_test

import (
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/ui"
)

func init() { notify.Whole = func() *ui.Renderer { return wire.UI() } }
