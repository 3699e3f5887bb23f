// Package licenses has the licences of the parts of the program that others have written: Go's standard library and the modules.
package licenses

import _ "embed"

// Text is those licences, as packaging/licenses has printed them.
//
//go:embed licenses.txt
var Text string
