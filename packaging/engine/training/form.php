<?php
$rows = [];
foreach ($_GET as $name => $value) {
    $rows[] = htmlspecialchars($name . '=' . (is_array($value) ? implode(',', $value) : $value));
}
parse_str(http_build_query(['list' => range(1, 50), 'name' => 'A & B']), $parsed);
printf("<p>%s</p><p>%s</p>", implode('<br>', $rows), htmlspecialchars(var_export($parsed, true)));
