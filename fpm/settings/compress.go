package settings

import (
	"fmt"
	"strings"
)

// typesDefault stands for defaultTypes in http.compress_types.
const typesDefault = "default"

// defaultTypes are media types that compress well. FRONT.md has the list.
func defaultTypes() []string {
	return []string{
		"text/html", "text/css", "text/javascript", "text/plain", "text/xml", "text/csv", "text/markdown", "text/calendar", "text/vcard", "text/vtt",
		"application/javascript", "application/json", "application/ld+json", "application/manifest+json", "application/problem+json",
		"application/vnd.api+json", "application/xml", "application/xhtml+xml", "application/rss+xml", "application/atom+xml", "application/wasm",
		"application/vnd.ms-fontobject", "font/ttf", "font/otf", "image/svg+xml", "image/x-icon",
	}
}

// compressedTypes returns a list with defaultTypes in place of typesDefault.
func compressedTypes(list []string) (all []string) {
	for _, entry := range list {
		if entry == typesDefault {
			all = append(all, defaultTypes()...)
		} else {
			all = append(all, entry)
		}
	}
	return all
}

// mediaType checks an entry of http.compress_types.
func mediaType(text string) error {
	kind, rest, ok := strings.Cut(text, "/")
	if strings.EqualFold(text, typesDefault) || ok && kind != "" && rest != "" && !strings.ContainsAny(kind, "* ;") && (rest == "*" || !strings.ContainsAny(rest, "*/ ;")) {
		return nil
	}
	return fmt.Errorf("%q is not a media type such as text/css, nor all of a kind such as text/*, nor default", text)
}
