namespace Relay.Signaling;

/// <summary>The format of a call's id: a UUID of version 4 (RFC 9562) in either case.</summary>
internal static class CallId
{
    private const string Form = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";

    /// <summary>The longest JSON that spells an id, without its quotes.</summary>
    public const int MaxSpelledLength = 216;

    public static bool IsValid(ReadOnlySpan<char> text)
    {
        if (text.Length != Form.Length)
        {
            return false;
        }

        for (var i = 0; i < text.Length; i++)
        {
            var fits = Form[i] switch
            {
                'x' => char.IsAsciiHexDigit(text[i]),
                'v' => text[i] is '8' or '9' or 'a' or 'b' or 'A' or 'B',
                var literal => text[i] == literal,
            };
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }
}
