package site

import (
	"net/http"
	"strconv"
	"strings"
)

// ErrorPage returns a page for people. It tells nothing about the server but the request's id, by which the logs can be
// searched.
func ErrorPage(status int, text, id string) string {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>" + title + "</title>\n<h1>" + title + "</h1>\n")
	if text != "" {
		b.WriteString("<p>" + text + "\n")
	}
	if status >= 500 {
		b.WriteString("<p>Request " + id + "\n")
	}
	b.WriteString("</html>\n")
	return b.String()
}

// NotUnderstood is the text of a page in place of a script's response that cannot be understood.
const NotUnderstood = "The answer of the program behind this page cannot be understood. The log says why."

// Explain returns what a status means to the person who sees the page. It returns the empty string if the status needs no more words.
func Explain(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request is malformed."
	case http.StatusForbidden:
		return "The server may not read this file."
	case http.StatusNotFound:
		return "There is no such page here."
	case http.StatusMethodNotAllowed:
		return "This page cannot be asked for in this way."
	case http.StatusRequestTimeout:
		return "The request did not arrive in time."
	case http.StatusRequestEntityTooLarge:
		return "What was sent is larger than this server accepts."
	case http.StatusRequestHeaderFieldsTooLarge:
		return "The request has more headers than this server accepts."
	case http.StatusInternalServerError:
		return "Something is wrong with this server."
	case http.StatusBadGateway:
		return "The program behind this page ended before it had answered."
	case http.StatusServiceUnavailable:
		return "The server is busy. Please try again in a moment."
	case http.StatusGatewayTimeout:
		return "The program behind this page did not answer in time."
	}
	return ""
}
