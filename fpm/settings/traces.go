package settings

import (
	"cmp"
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// Traces are what the settings say of traces.
type Traces struct {
	On       bool // requests are in traces
	ByParent bool // see tracecontext.Sampler
	Bound    uint64

	Endpoint string   // the URL that spans go to; empty: nowhere
	Headers  []string // of requests there, "Name: value"
	Resource []string // attributes of the resource, "name=value"
}

// The keys of traces.
const (
	tracesContextKey  = "traces.context"
	tracesEndpointKey = "traces.endpoint"
	tracesServiceKey  = "traces.service"
	tracesSamplerKey  = "traces.sampler"
	tracesRatioKey    = "traces.ratio"
)

// otel is the value of traces.endpoint by which OpenTelemetry's own variables count.
const otel = "otel"

// OpenTelemetry's variables, as https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ has them.
const (
	otelEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	otelTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	otelHeaders        = "OTEL_EXPORTER_OTLP_HEADERS"
	otelTracesHeaders  = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	otelService        = "OTEL_SERVICE_NAME"
	otelResource       = "OTEL_RESOURCE_ATTRIBUTES"
	otelSampler        = "OTEL_TRACES_SAMPLER"
	otelSamplerArg     = "OTEL_TRACES_SAMPLER_ARG"
)

const tracesPath = "/v1/traces"

// samplers are the names of OpenTelemetry's samplers that there are. The first is the default.
var samplers = []string{"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio", "always_on", "always_off", "traceidratio"}

func tracesRows() []Row {
	return []Row{
		{Key: tracesContextKey, Kind: Choice, Default: off, Show: "`off`, or `on` if traces.endpoint is set", Allowed: []string{on, off},
			Doc: "Whether requests are in traces: their traceparent and tracestate count, and scripts and logs get the ids, see [TRACES.md](TRACES.md)."},
		{Key: tracesEndpointKey, Kind: Text, Show: "none",
			Doc: "Where spans go, by OTLP over HTTP: http://collector:4318, with /v1/traces as its path if it has none. otel: where " + otelTracesEndpoint + " or " + otelEndpoint + " says, else http://localhost:4318. Empty: nowhere."},
		{Key: tracesServiceKey, Kind: Text, Show: otelService + ", else phpsapi", Doc: "The name of the service in traces: service.name."},
		{Key: tracesSamplerKey, Kind: Choice, Default: samplers[0], Show: "that of " + otelSampler + ", else `" + samplers[0] + "`", Allowed: samplers,
			Doc: "Which spans are exported, by OpenTelemetry's names. parentbased: as the client has decided, and for traces that begin here as the rest of the name says."},
		{Key: tracesRatioKey, Kind: Ratio, Default: "1", Show: "that of " + otelSamplerArg + ", else `1`", Doc: "The share of the traces that traceidratio samples, from 0 to 1."},
	}
}

// ratio reads a Ratio.
func ratio(text string) (float64, error) {
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !(share >= 0 && share <= 1) {
		return 0, fmt.Errorf("%q is not a share from 0 to 1, such as 0.25", text)
	}
	return share, nil
}

// endpoint checks a traces.endpoint, and returns it as a URL with a path. Its errors have no password.
func endpoint(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Opaque != "":
		return "", errors.New("it is not a URL: write http://collector:4318 or https://collector/v1/traces")
	case u.User != nil:
		return "", fmt.Errorf("it has a user: give credentials by %s=Authorization=Basic%%20..., which no output shows", otelHeaders)
	case u.Fragment != "":
		return "", errors.New("it has a fragment (#): remove that")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = tracesPath
	}
	return u.String(), nil
}

// traces makes the Traces of the values.
func (l *loader) traces(s *Settings, one func(string) string) (t Traces, err error) {
	about := func(key string, err error) error {
		r := find(l.table, key)
		origin, _ := l.origin(r)
		return l.wrong(r, origin, err)
	}
	text := one(tracesEndpointKey)
	switch {
	case text == "":
	case text == otel:
		if t.Endpoint, err = otelURL(); err != nil {
			return t, about(tracesEndpointKey, err)
		}
	default:
		if t.Endpoint, err = endpoint(text); err != nil {
			return t, about(tracesEndpointKey, err)
		}
	}
	isOff := one(tracesContextKey) == off
	if isOff && t.Endpoint != "" && s.setting(tracesContextKey).Origin != "" {
		return t, about(tracesContextKey, fmt.Errorf("off, and yet spans are to be exported: remove it, or %s", tracesEndpointKey))
	}
	if t.On = !isOff || t.Endpoint != ""; !t.On {
		return t, nil
	}
	if t.On && isOff {
		s.show(tracesContextKey, on)
	}
	l.sampler(s, &t, one)
	if t.Endpoint == "" {
		return t, nil
	}
	if t.Headers, err = headers(); err != nil {
		return t, about(tracesEndpointKey, err)
	}
	t.Resource = resource(one(tracesServiceKey))
	for _, attribute := range t.Resource {
		if name, ok := strings.CutPrefix(attribute, "service.name="); ok && one(tracesServiceKey) == "" {
			s.show(tracesServiceKey, name)
		}
	}
	return t, nil
}

// otelURL returns where OpenTelemetry's variables have spans go.
func otelURL() (string, error) {
	if text := os.Getenv(otelTracesEndpoint); text != "" {
		u, err := endpoint(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", otelTracesEndpoint, err)
		}
		return u, nil
	}
	base := cmp.Or(os.Getenv(otelEndpoint), "http://localhost:4318")
	u, err := endpoint(strings.TrimRight(base, "/") + tracesPath)
	if err != nil {
		return "", fmt.Errorf("%s: %w", otelEndpoint, err)
	}
	return u, nil
}

// sampler finds out which sampler is meant. OpenTelemetry's variables count if the setting is a default; a value that is none is ignored, as their
// specification has it.
func (l *loader) sampler(s *Settings, t *Traces, one func(string) string) {
	name := one(tracesSamplerKey)
	if other := os.Getenv(otelSampler); s.setting(tracesSamplerKey).Origin == "" && slices.Contains(samplers, other) {
		name = other
		s.show(tracesSamplerKey, name)
	}
	share, _ := ratio(one(tracesRatioKey))
	if s.setting(tracesRatioKey).Origin == "" {
		if other, err := ratio(os.Getenv(otelSamplerArg)); err == nil {
			share = other
			s.show(tracesRatioKey, os.Getenv(otelSamplerArg))
		}
	}
	root, byParent := strings.CutPrefix(name, "parentbased_")
	t.ByParent = byParent
	switch root {
	case "always_on":
		t.Bound = tracecontext.All
	case "traceidratio":
		t.Bound = tracecontext.Ratio(share)
	}
}

// headers returns those of the variables, "Name: value".
func headers() (all []string, err error) {
	from := otelTracesHeaders
	text := os.Getenv(from)
	if text == "" {
		from = otelHeaders
		text = os.Getenv(from)
	}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("%s is not a list of name=value, with %%20 for a blank", from) // a value may be a password
		}
		all = append(all, textproto.CanonicalMIMEHeaderKey(name)+": "+value)
	}
	return all, nil
}

// isToken reports whether a text can be a header's name.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// resource returns the attributes of the resource. What is set for the service's name beats OTEL_SERVICE_NAME, and that OTEL_RESOURCE_ATTRIBUTES.
func resource(service string) (all []string) {
	name := cmp.Or(service, os.Getenv(otelService))
	for pair := range strings.SplitSeq(os.Getenv(otelResource), ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		value, err := url.PathUnescape(value)
		if !ok || err != nil || key == "" {
			continue
		}
		if key == "service.name" {
			name = cmp.Or(name, value)
			continue
		}
		all = append(all, key+"="+value)
	}
	return append([]string{"service.name=" + cmp.Or(name, "phpsapi")}, all...)
}
