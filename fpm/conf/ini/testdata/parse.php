<?php
// Parses what it reads: texts, each behind its length (4 bytes, big endian),
// and answers each with a line that differential_test.go knows how to make.
function show(array $a): string
{
    $s = '';
    foreach ($a as $k => $v) {
        $s .= (is_int($k) ? $k : "'" . bin2hex($k) . "'") . '='
            . (is_array($v) ? '{' . show($v) . '}' : bin2hex($v)) . ';';
    }
    return $s;
}

$complaint = '';
set_error_handler(function ($level, $message) use (&$complaint) {
    $complaint = trim($message);
    return true;
});
while (($head = stream_get_contents(STDIN, 4)) !== '' && $head !== false) {
    $length = unpack('N', $head)[1];
    $text = $length > 0 ? stream_get_contents(STDIN, $length) : '';
    $complaint = '';
    $result = parse_ini_string($text, true, INI_SCANNER_NORMAL);
    echo $result === false ? "fails: $complaint" : 'ok: ' . show($result), "\n";
}
