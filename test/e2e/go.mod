// The tests with real programs, apart from the program's own module: they have a browser's protocol.
module github.com/phpsapi/phpsapi/test/e2e

go 1.26.0

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/phpsapi/phpsapi v0.0.0
	golang.org/x/sys v0.48.0
)

require github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect

replace github.com/phpsapi/phpsapi => ../..
