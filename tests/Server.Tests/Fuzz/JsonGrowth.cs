namespace Server.Tests.Fuzz;

/// <summary>Grows JSON texts: client messages with fields of any kind, nested, in any spelling that JSON allows.</summary>
internal static class JsonGrowth
{
    private const int MaxDepth = 5;

    private static readonly string[] Types =
        ["register", "pair_request", "offer", "call_offer", "link_request", "upstream-message", "stream-frame", "chunk_announce", "chunk_push", "register_rendezvous", "get_relays", "ping"];

    private static readonly string[] Fields =
        ["target", "payload", "chunks", "n", "peerId", "channelId", "data", "type", "ty\\u0070e", "\\u006e", "n\\/", "\\ud800", "\\ud83d\\ude00", "\u00C3\u00A4", "", "a b"];

    private static readonly string[] Texts =
        ["\"\"", "\"AAAAAA\"", "\"\\u0041\\n\\\\\\\"\\/\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"\u00E2\u0082\u00AC\"", "\"\u00F0\u009F\u0098\u0080\"", "\"\u007F\""];

    private static readonly string[] Numbers = ["0", "-0", "1", "-1.5e3", "1e400", "1E-400", "0.1", "123456789012345678901234567890", "9007199254740993", "1e+2"];

    private static readonly string[] Blanks = ["", "", "", "", " ", "\n", "\t\r "];

    /// <summary>An object with a type, mostly.</summary>
    public static void Message(FuzzInputs random)
    {
        Blank(random);
        random.Append("{\"type\":\"");
        random.Append(random.Any<string>(Types));
        random.Append("\"");
        for (var fields = random.Below(7); fields > 0; fields--)
        {
            random.Append(",");
            Field(random, 1);
        }

        random.Append("}");
        Blank(random);
    }

    private static void Value(FuzzInputs random, int depth)
    {
        Blank(random);
        switch (random.Below(depth < MaxDepth ? 7 : 5))
        {
            case 0:
            case 1:
                random.Append(random.Any<string>(Texts));
                break;
            case 2:
            case 3:
                random.Append(random.Any<string>(Numbers));
                break;
            case 4:
                random.Append(random.Any<string>(["true", "false", "null", "[]", "{}"]));
                break;
            case 5:
                random.Append("[");
                Value(random, depth + 1);
                for (var more = random.Below(4); more > 0; more--)
                {
                    random.Append(",");
                    Value(random, depth + 1);
                }

                random.Append("]");
                break;
            default:
                random.Append("{");
                Field(random, depth + 1);
                for (var more = random.Below(3); more > 0; more--)
                {
                    random.Append(",");
                    Field(random, depth + 1);
                }

                random.Append("}");
                break;
        }

        Blank(random);
    }

    private static void Field(FuzzInputs random, int depth)
    {
        Blank(random);
        random.Append("\"");
        random.Append(random.Any<string>(Fields));
        random.Append("\"");
        Blank(random);
        random.Append(":");
        Value(random, depth);
    }

    private static void Blank(FuzzInputs random) => random.Append(random.Any<string>(Blanks));
}
