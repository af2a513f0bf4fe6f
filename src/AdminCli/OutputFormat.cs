namespace Relay.AdminCli;

/// <summary>How answers are printed.</summary>
internal enum OutputFormat
{
    Table,

    /// <summary>Tables with the columns that <see cref="Table"/> leaves out.</summary>
    Wide,

    /// <summary>Each answer as one object; each entry of a stream as one on a line.</summary>
    Json,

    /// <summary>One object a line: each row of a list, each entry of a stream, and an answer that is no list as one.</summary>
    JsonLines,

    /// <summary>The same as <see cref="JsonLines"/>, as RFC 4180 has it, with the names of the fields in the first line.</summary>
    Csv,
}
