import pytest

from haemsa.model.data.readers.csd.names import modality_names


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["CMU_MOSEI_COVAREP", "CMU_MOSEI_TimestampedGloveVectors", "CMU_MOSEI_VisualFacet42"],
         ["text", "audio", "vision"]),
        (["CMU_MOSI_TimestampedWordVectors_1.1", "CMU_MOSI_OpenSmile_EB10"], ["text", "audio"]),
        (["CMU_MOSEI_VisualFacet42", "CMU_MOSEI_VisualOpenFace2"], ["VisualFacet42", "VisualOpenFace2"]),
        (["POM_OpenFace2", "SOCIAL-IQ_QA_BERT_MULTIPLE_CHOICE"], ["text", "vision"]),
        (["physio_ecg", "acoustic_x", "Text-a"], ["text", "audio", "physio_ecg"]),
        (["audio", "audio_covarep"], ["audio", "audio_covarep"]),
        (["CMU_MOSI_Visual_Facet_42", "CMU_MOSI_language"], ["text", "vision"]),
        (["hubert"], ["audio"]),
        (["HuBERT_large", "RoBERTa", "alberta"], ["text", "audio", "alberta"]),
        (["my_Wav2Vec2", "WavLM768"], ["my_Wav2Vec2", "WavLM768"]),
        (["my own (stream)"], ["my_own_stream_"]),
        ([], []),
    ],
)  # fmt: skip
def test_modalities_are_called_by_what_the_files_are_known_to_hold(stems, names):
    assert list(modality_names(stems).values()) == names


def test_two_files_of_one_name_are_refused():
    with pytest.raises(ValueError, match="'CMU_MOSI_x' is the second file of a modality 'x', expected names that diff"):
        modality_names(["CMU_MOSEI_x", "CMU_MOSI_x"])
