using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>A subject on the command line, and in what is printed.</summary>
internal static class SubjectArgument
{
    private const int MaxLength = 128;

    public static Option<string?> Create(string description) => new("--subject")
    {
        Description = description,
        HelpName = "name",
        CustomParser = ArgumentParsers.Text(
            "--subject", static text => text.Length is > 0 and <= MaxLength && !text.Any(char.IsControl) && text.Trim() == text, $"1 to {MaxLength} characters without control characters or blanks around them"),
    };

    /// <summary>The command takes a network or a subject.</summary>
    public static void RequireOneOf(Command command, Argument<string> network, Option<string?> subject)
    {
        network.Arity = ArgumentArity.ZeroOrOne;
        command.Validators.Add(result =>
        {
            if ((result.GetResult(network) is { Tokens.Count: > 0 }) == (result.GetResult(subject) is not null))
            {
                result.AddError("Give a network or --subject, one of them.");
            }
        });
    }

    /// <summary>Whom a ban keeps out.</summary>
    public static string Of(BanEntry ban) => ban.Subject.Length > 0 ? $"subject {Printable.Clean(ban.Subject)}" : Printable.CleanOrUnknown(ban.Network);
}
