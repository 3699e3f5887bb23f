package site

import (
	"path"
	"strings"
)

// defaultType is what a file is whose name says nothing.
const defaultType = "application/octet-stream"

// ContentType returns the media type of a file by its name. known is false if the name does not say it. The machine's own tables are not asked, so
// that an answer is the same everywhere. It is a switch and not a map, because a map would be made at each start of php.
func ContentType(name string) (mediaType string, known bool) {
	ext := path.Ext(name)
	if ext == "" {
		return defaultType, false
	}
	switch strings.ToLower(ext[1:]) {
	case "html", "htm", "shtml":
		return "text/html; charset=utf-8", true
	case "css":
		return "text/css; charset=utf-8", true
	case "js", "mjs":
		return "text/javascript; charset=utf-8", true
	case "json", "map":
		return "application/json", true
	case "jsonld":
		return "application/ld+json", true
	case "webmanifest":
		return "application/manifest+json", true
	case "txt", "text", "log", "conf":
		return "text/plain; charset=utf-8", true
	case "md":
		return "text/markdown; charset=utf-8", true
	case "csv":
		return "text/csv; charset=utf-8", true
	case "xml", "xsl", "xsd":
		return "text/xml; charset=utf-8", true
	case "vtt":
		return "text/vtt; charset=utf-8", true
	case "ics":
		return "text/calendar; charset=utf-8", true
	case "vcf":
		return "text/vcard; charset=utf-8", true
	case "xhtml":
		return "application/xhtml+xml", true
	case "rss":
		return "application/rss+xml", true
	case "atom":
		return "application/atom+xml", true
	}
	return binaryType(strings.ToLower(ext[1:]))
}

func binaryType(ext string) (mediaType string, known bool) {
	switch ext {
	case "png", "gif", "webp", "avif", "bmp", "apng", "jxl":
		return imageType(ext), true
	case "jpg", "jpeg", "jfif":
		return "image/jpeg", true
	case "svg", "svgz":
		return "image/svg+xml", true
	case "ico", "cur":
		return "image/x-icon", true
	case "tif", "tiff":
		return "image/tiff", true
	case "heic":
		return "image/heic", true
	case "woff":
		return "font/woff", true
	case "woff2":
		return "font/woff2", true
	case "ttf":
		return "font/ttf", true
	case "otf":
		return "font/otf", true
	case "eot":
		return "application/vnd.ms-fontobject", true
	case "mp3":
		return "audio/mpeg", true
	case "m4a", "aac":
		return "audio/mp4", true
	case "oga", "ogg", "opus":
		return "audio/ogg", true
	case "wav":
		return "audio/wav", true
	case "flac":
		return "audio/flac", true
	case "weba":
		return "audio/webm", true
	case "mid", "midi":
		return "audio/midi", true
	case "mp4", "m4v":
		return "video/mp4", true
	case "webm":
		return "video/webm", true
	case "ogv":
		return "video/ogg", true
	case "mov":
		return "video/quicktime", true
	case "avi":
		return "video/x-msvideo", true
	case "mkv":
		return "video/x-matroska", true
	case "mpeg", "mpg":
		return "video/mpeg", true
	case "m3u8":
		return "application/vnd.apple.mpegurl", true
	case "ts":
		return "video/mp2t", true
	}
	return applicationType(ext)
}

func imageType(ext string) string {
	switch ext {
	case "png":
		return "image/png"
	case "gif":
		return "image/gif"
	case "webp":
		return "image/webp"
	case "avif":
		return "image/avif"
	case "bmp":
		return "image/bmp"
	case "apng":
		return "image/apng"
	}
	return "image/jxl"
}

func applicationType(ext string) (mediaType string, known bool) {
	switch ext {
	case "wasm":
		return "application/wasm", true
	case "pdf":
		return "application/pdf", true
	case "zip":
		return "application/zip", true
	case "gz", "tgz":
		return "application/gzip", true
	case "bz2":
		return "application/x-bzip2", true
	case "xz":
		return "application/x-xz", true
	case "zst":
		return "application/zstd", true
	case "7z":
		return "application/x-7z-compressed", true
	case "rar":
		return "application/vnd.rar", true
	case "tar":
		return "application/x-tar", true
	case "jar":
		return "application/java-archive", true
	case "epub":
		return "application/epub+zip", true
	case "rtf":
		return "application/rtf", true
	case "doc":
		return "application/msword", true
	case "xls":
		return "application/vnd.ms-excel", true
	case "ppt":
		return "application/vnd.ms-powerpoint", true
	case "docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true
	case "xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true
	case "pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation", true
	case "odt":
		return "application/vnd.oasis.opendocument.text", true
	case "ods":
		return "application/vnd.oasis.opendocument.spreadsheet", true
	case "odp":
		return "application/vnd.oasis.opendocument.presentation", true
	case "bin", "exe", "dll", "iso", "img", "dmg", "deb", "rpm", "msi", "apk":
		return defaultType, true
	}
	return defaultType, false
}
