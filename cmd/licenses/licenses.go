// Package licenses has the licences of what others have written of the program.
package licenses

import _ "embed"

// Text is what packaging/licenses prints.
//
//go:embed licenses.txt
var Text string
