namespace Server.Tests.Support;

/// <summary>
/// Parts of the documents that the program knows best, between two comments that name them. A test compares each with the
/// program; `make docs` runs the same tests to write them anew.
/// </summary>
internal static class GeneratedText
{
    public static void Verify(string document, string part, string expected)
    {
        var path = Path.Combine(ArchitectureTests.FindRoot(), document);
        var text = File.ReadAllText(path);
        var start = $"<!-- {part}: written by `make docs` -->\n";
        var (begin, end) = (text.IndexOf(start, StringComparison.Ordinal), text.IndexOf($"<!-- end of {part} -->", StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, $"{document} has no part {part}");
        begin += start.Length;
        if (Environment.GetEnvironmentVariable("RELAY_WRITE_DOCS") is "1")
        {
            File.WriteAllText(path, text[..begin] + expected + text[end..]);
            return;
        }

        Assert.Equal(expected, text[begin..end]);
    }
}
