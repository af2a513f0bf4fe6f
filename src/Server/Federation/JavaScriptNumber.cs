using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Relay.Federation;

/// <summary>A JSON number as JavaScript writes it again (ECMA-262, Number::toString).</summary>
internal static class JavaScriptNumber
{
    // From here on and below JavaScript writes an exponent.
    private const int LargestPlain = 21;
    private const int SmallestPlain = -6;

    /// <summary>False for a number beyond a double, which JavaScript turns into null.</summary>
    public static bool TryWrite(ReadOnlySpan<byte> token, StringBuilder text)
    {
        if (!Utf8Parser.TryParse(token, out double value, out var used) || used != token.Length || !double.IsFinite(value))
        {
            return false;
        }

        if (value == 0)
        {
            // Minus zero too.
            text.Append('0');
            return true;
        }

        if (value < 0)
        {
            text.Append('-');
            value = -value;
        }

        // Like JavaScript, "R" gives the shortest digits that are read as the same double.
        var parts = value.ToString("R", CultureInfo.InvariantCulture).Split('E');
        var number = parts[0].Split('.');
        var fraction = number.Length > 1 ? number[1] : "";
        var exponent = parts.Length > 1 ? int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;

        // The value is 0.digits times ten to the power of point.
        var point = exponent + (number[0] == "0" ? fraction.AsSpan().TrimStart('0').Length - fraction.Length : number[0].Length);
        var digits = (number[0] + fraction).Trim('0');
        Write(text, digits, point);
        return true;
    }

    private static void Write(StringBuilder text, string digits, int point)
    {
        if (point is > SmallestPlain and <= 0)
        {
            text.Append("0.").Append('0', -point).Append(digits);
        }
        else if (point > 0 && point <= LargestPlain)
        {
            _ = digits.Length <= point
                ? text.Append(digits).Append('0', point - digits.Length)
                : text.Append(digits.AsSpan(0, point)).Append('.').Append(digits.AsSpan(point));
        }
        else
        {
            text.Append(digits[0]);
            if (digits.Length > 1)
            {
                text.Append('.').Append(digits.AsSpan(1));
            }

            text.Append('e').Append(point > 0 ? '+' : '-').Append(Math.Abs(point - 1).ToString(CultureInfo.InvariantCulture));
        }
    }
}
