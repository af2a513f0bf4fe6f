using System.Text;
using System.Text.RegularExpressions;
using Relay.Transport.Engine;

namespace Server.Tests.Fuzz;

/// <summary>What a request head says, read with patterns and texts: slow, and written without a look at the parser.</summary>
internal sealed partial record SlowHead(HeadStatus Status, int Length, string Method, string Target, bool IsHttp11, IReadOnlyList<(string Name, string Value)> Headers)
{
    private const string Token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

    public static SlowHead Read(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, RequestHead.MaxBytes)]);
        if (text.Length == 0 || !Regex.IsMatch(text, "^" + Token))
        {
            return Only(text.Length == 0 ? HeadStatus.Incomplete : HeadStatus.NotHttp);
        }

        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var head = end >= 0 ? text[..end] : text.EndsWith('\r') ? text[..^1] : text;
        if (head.Replace("\r\n", "", StringComparison.Ordinal).Any(letter => char.IsAscii(letter) && char.IsControl(letter) && letter != '\t'))
        {
            return Only(HeadStatus.Malformed);
        }

        if (end < 0)
        {
            return Only(text.Length == RequestHead.MaxBytes ? HeadStatus.TooLong : HeadStatus.Incomplete);
        }

        var lines = head.Split("\r\n");
        if (RequestLine().Match(lines[0]) is not { Success: true } request)
        {
            return Only(HeadStatus.Malformed);
        }

        var version = request.Groups[3].Value;
        if (version is not ("1.0" or "1.1"))
        {
            return Only(HeadStatus.NotHttp);
        }

        List<(string Name, string Value)> headers = [];
        foreach (var line in lines.Skip(1))
        {
            if (headers.Count == RequestHead.MaxHeaders)
            {
                return Only(HeadStatus.TooLong);
            }

            if (HeaderLine().Match(line) is not { Success: true } header)
            {
                return Only(HeadStatus.Malformed);
            }

            headers.Add((header.Groups[1].Value.ToLowerInvariant(), header.Groups[2].Value));
            if (!IsUnequivocal(headers))
            {
                return Only(HeadStatus.Malformed);
            }
        }

        var read = new SlowHead(HeadStatus.Complete, end + 4, request.Groups[1].Value, request.Groups[2].Value, version == "1.1", headers);
        var encodings = read.Elements("transfer-encoding");
        var isKept = (version == "1.0" || read.Values("host").Length == 1)
            && (encodings.Length == 0 || (version == "1.1" && encodings[^1] == "chunked" && read.Values("content-length").Length == 0));
        return isKept ? read : Only(HeadStatus.Malformed);
    }

    public bool IsForEngine =>
        IsHttp11
        && Method == "GET"
        && PlainPath().IsMatch(Target)
        && !Headers.Any(header => header.Name is "content-length" or "transfer-encoding")
        && Elements("upgrade").Contains("websocket")
        && Elements("connection").Contains("upgrade");

    public string[] Values(string name) => [.. Headers.Where(header => header.Name == name).Select(header => header.Value)];

    private string[] Elements(string name) =>
        [.. Values(name).SelectMany(value => value.Split(',')).Select(element => element.Trim(' ', '\t').ToLowerInvariant())];

    private static SlowHead Only(HeadStatus status) => new(status, 0, "", "", false, []);

    private static bool IsUnequivocal(List<(string Name, string Value)> headers)
    {
        var (name, value) = headers[^1];
        var isRepeated = headers.Count(header => header.Name == name) > 1;
        var encodings = headers.Where(header => header.Name == "transfer-encoding").SelectMany(header => header.Value.Split(','));
        return name switch
        {
            "host" => !isRepeated && Host().IsMatch(value),
            "content-length" => !isRepeated && Regex.IsMatch(value, @"^[0-9]{1,18}\z"),
            "sec-websocket-key" or "sec-websocket-version" => !isRepeated,
            "transfer-encoding" => !encodings.SkipLast(1).Any(encoding => encoding.Trim(' ', '\t').Equals("chunked", StringComparison.OrdinalIgnoreCase)),
            _ => true,
        };
    }

    [GeneratedRegex($@"^({Token}) ([!-~]+) HTTP/([0-9]\.[0-9])\z")]
    private static partial Regex RequestLine();

    [GeneratedRegex($@"^({Token}):[ \t]*(.*?)[ \t]*\z", RegexOptions.Singleline)]
    private static partial Regex HeaderLine();

    [GeneratedRegex(@"^(|(\[[0-9A-Fa-f:.]{3,}\]|[A-Za-z0-9._~!$&'()-]+)(:[0-9]{1,5})?)\z")]
    private static partial Regex Host();

    [GeneratedRegex(@"^(/(?!\.)[^/%?]*)+(\?.*)?\z")]
    private static partial Regex PlainPath();
}
