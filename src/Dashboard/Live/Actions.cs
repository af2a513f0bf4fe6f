using MudBlazor;
using Relay.Dashboard.Components.Parts;

namespace Relay.Dashboard.Live;

/// <summary>Everything that changes something asks first, and says afterwards what it did.</summary>
internal sealed class Actions(IDialogService dialogs, ISnackbar messages)
{
    /// <param name="act">Takes the reason, and gives what was done.</param>
    /// <returns>True when it was done.</returns>
    public async Task<bool> DoAsync(string title, string text, string verb, Func<string, Task<string>> act, string reason = "")
    {
        var parameters = new DialogParameters<AskDialog>
        {
            { dialog => dialog.Title, title },
            { dialog => dialog.Text, text },
            { dialog => dialog.Verb, verb },
            { dialog => dialog.Reason, reason },
        };
        var asked = await dialogs.ShowAsync<AskDialog>(title, parameters);
        if (await asked.Result is not { Canceled: false, Data: string given })
        {
            return false;
        }

        try
        {
            messages.Add(await act(given), Severity.Success);
            return true;
        }
        catch (RelayProblem problem)
        {
            messages.Add(problem.Message, Severity.Error, options => options.RequireInteraction = true);
            return false;
        }
    }
}
